"""The page of a window, and the proxy for supported answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from headwater.monitor.groundedness import answer_sentences, calibrated, grounded, support
from headwater.monitor.judge import judge
from headwater.monitor.profile import Profile
from headwater.monitor.report import write_report
from headwater.monitor.rows import Observed, WindowData
from headwater.monitor.verdict import WindowVerdict

Draw = Callable[..., Observed]


def test_the_page_says_what_was_found_and_needs_nothing_else(
    profile: Profile, draw: Draw, tmp_path: Path
) -> None:
    history: list[WindowVerdict] = []
    drawn = [draw(f"strange/{number}", 60, foreign=0.3) for number in range(2)]
    marked = [replace(rows, texts=[f"<b>{text}</b>" for text in rows.texts]) for rows in drawn]
    first, window = (WindowData(f"w-{number}", rows) for number, rows in enumerate(marked))
    for one in (first, window):
        history.append(judge(one, profile, history))
    written = [write_report(history[1], window, profile, history[:1], tmp_path / name) for name in "ab"]
    html = written[0]["report"].read_text()
    assert "Drift: data, " in html
    assert "docs/far.html" in html
    assert "<script" not in html
    assert "http" not in html
    assert "<p><b>" not in html
    assert len(html) < 1_000_000
    for name, path in written[0].items():
        assert path.read_bytes() == written[1][name].read_bytes()


def test_made_up_numbers_and_topics_are_unsupported() -> None:
    passages = [
        "A bucket keeps up to 100 versions of an object in Glacier.",
        "Queues hold messages for 4 days.",
    ]
    vectors = np.eye(3, dtype=np.float32)[:2]
    near, far = vectors[0] * 0.9, np.array([0, 0, 1], dtype=np.float32)
    told = support("A bucket keeps 100 versions of an object.", near, passages, vectors)
    invented = support("A bucket keeps 250 versions of an object.", near, passages, vectors)
    elsewhere = support("Cheese ripens slowly in cool caves.", far, passages, vectors)
    assert told.specifics == 1
    assert told.score > 0.8 > invented.score
    assert elsewhere.score < 0.1
    cut = calibrated([told.score, 0.7, invented.score, elsewhere.score], [True, True, False, False])
    assert (cut.score, cut.auc, cut.pairs) == (0.7, 1.0, 4)
    assert grounded([told], cut) == 1
    assert grounded([told, invented], cut) == 0
    assert np.isnan(grounded([], cut))
    assert support("anything at all", near, [], vectors[:0]).score == 0
    assert answer_sentences("Yes. It keeps 100 versions.") == ["It keeps 100 versions."]
    with pytest.raises(ValueError, match="both labels"):
        calibrated([1.0], [True])
