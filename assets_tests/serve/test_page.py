"""The page at /, in a browser."""

from __future__ import annotations

import browser
import pytest

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(browser.CHROMIUM is None, reason="there is no Chromium on this machine"),
]


def test_a_person_asks_reads_and_judges(service, request_log, tmp_path):
    with browser.page(f"{service.url}/", tmp_path / "profile") as page:
        page.until("document.querySelector('#release')?.textContent.startsWith('tiny-v1')")
        page.run("byId('question').value = 'How does one create a new bucket?'; byId('ask').requestSubmit()")
        page.until("!byId('judge').hidden")
        response = page.run("state.response")
        served = next(item for item in request_log.requests if item["response_id"] == response)
        assert page.run("byId('answer').textContent") == served["answer"]
        assert len(page.run("byId('citations').innerText").split("cosine")) == 4
        marked = page.run("[...document.querySelectorAll('mark')].map((item) => item.textContent)")
        assert "bucket" in marked
        page.run("document.querySelector('[data-vote=\"-1\"]').click()")
        page.until("byId('thanks').textContent === 'Noted.'")
        assert request_log.judgements[-1]["response_id"] == response
        assert request_log.judgements[-1]["vote"] == -1
        assert served["session"] == page.run("session()") != ""
        page.run("byId('question').value = 'x'.repeat(2000) + ' word'.repeat(2000)")
        page.run("byId('ask').requestSubmit()")
        page.until("byId('state').className === 'error'")
        assert page.run("getComputedStyle(byId('state')).color") == "rgb(163, 32, 32)"
        assert [text for text in page.messages if "Content Security Policy" in text] == []
