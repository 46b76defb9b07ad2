from __future__ import annotations

import json
import time
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.curate.blocklist import PIECE, Blocklist, fold


def judged(
    step: Blocklist, *texts: str, uri: str = "s/a", **attributes: str
) -> list[tuple[str | None, str | None]]:
    batch = pa.RecordBatch.from_pydict(
        {
            "uri": [uri] * len(texts),
            "text": list(texts),
            "attributes": [json.dumps(attributes)] * len(texts),
        }
    )
    return [(row["refused_reason"], row["refused_detail"]) for row in step(batch).to_pylist()]


def reasons(step: Blocklist, *texts: str) -> list[str | None]:
    return [reason for reason, _ in judged(step, *texts)]


def test_a_word_is_found_whatever_its_case_and_only_whole() -> None:
    step = Blocklist(words=("Bad", "STRASSE", "ΟΔΟΣ", "évil"))
    found = ["so BAD!", "die Straße", "η οδος", "ÉVIL, he said", "bad_", "badly", "3bad", "e\u0301vil"]
    assert reasons(step, *found) == ["blocked_word"] * 4 + [None] * 4


def test_scripts_without_spaces_need_no_boundary() -> None:
    step = Blocklist(words=("坏话", "คำหยาบ", "bad"))
    assert reasons(step, "这是坏话吗", "นี่คือคำหยาบนะ", "看bad片") == ["blocked_word"] * 3


def test_of_words_that_overlap_the_longest_whole_one_counts() -> None:
    step = Blocklist(words=("bad", "bad thing", "thing"), max_words=1)
    one, things, two = judged(step, "a bad thing", "a bad things", "bad, bad thing")
    assert one == things == (None, None)
    assert two == ("blocked_word", "2 blocked words; allowed 1: bad x1, bad thing x1")


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("https://bad.com/x", "bad.com"),
        ("http://www.sub.BAD.com:8080", "bad.com"),
        ("https://me:pw@site.org/ads/1?x=2", "site.org/ads"),
        ("https://site.org/ads/deep/1", "site.org/ads/deep"),
        ("https://site.org/adsense", None),
        ("https://notbad.com/", None),
        ("https://bad.com.good.org/", None),
        ("https://[broken/", None),
    ],
)
def test_hosts_and_paths_block_what_is_below_them(url: str, rule: str | None) -> None:
    step = Blocklist(urls=("bad.com", "https://site.org/ads", "site.org/ads/deep"))
    expected = (None, None) if rule is None else ("blocked_url", f"1 address under {rule}; allowed 0")
    assert judged(step, "text", url=url) == [expected]
    assert judged(step, "text", uri=url) == [expected]


def test_a_uri_that_is_no_link_is_not_looked_at() -> None:
    assert judged(Blocklist(urls=("docs",)), "text", uri="docs/index.md") == [(None, None)]


def test_lists_come_from_files_and_their_entries_make_the_fingerprint(tmp_path: Path) -> None:
    words, urls = tmp_path / "words.txt", tmp_path / "urls.txt"
    words.write_text("# list\nbad  # very\n\nworse\n", encoding="utf-8")
    urls.write_text("bad.com\n", encoding="utf-8")
    step = Blocklist(word_files=(words,), url_files=(urls,))
    assert step.patterns == ("bad", "worse")
    assert step.rules == {"bad.com": ("/",)}
    assert step.fingerprint == Blocklist(words=("worse", "bad"), urls=("bad.com",)).fingerprint
    words.write_text("bad\n", encoding="utf-8")
    assert step.fingerprint != Blocklist(word_files=(words,), url_files=(urls,)).fingerprint


def test_wrong_lists_are_refused_when_they_are_configured(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"word_files: .*gone\.txt cannot be read"):
        Blocklist(word_files=(tmp_path / "gone.txt",))
    with pytest.raises(ValueError, match="expected at least one entry"):
        Blocklist()
    with pytest.raises(ValueError, match="has no host"):
        Blocklist(urls=("/path",))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=6))
def test_any_text_is_judged_alone_as_in_a_batch(texts: list[str]) -> None:
    step = Blocklist(words=("a", "aa", "é", "文"))
    clean = [text.encode(errors="replace").decode() for text in texts]
    assert judged(step, *clean) == [judged(step, text)[0] for text in clean]


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_hostile_texts_take_linear_time() -> None:
    step = Blocklist(words=("a", "aa", "aaa", "b b", "seldom"))

    def seconds(size: int) -> float:
        began = time.process_time()
        judged(step, "a" * size, "b " * (size // 2), "a " * (size // 2), "word " * (size // 5) + "seldom")
        return time.process_time() - began

    seconds(1_000)
    assert seconds(400_000) < 10 * max(seconds(100_000), 0.05)


def test_a_word_across_two_pieces_is_found_once() -> None:
    step = Blocklist(words=("bad", "bad thing"))
    for size in (PIECE - 9, PIECE - 3, PIECE):
        (found,) = judged(step, "é" * (size - 1) + " bad thing")
        assert found == ("blocked_word", "1 blocked words; allowed 0: bad thing x1")
