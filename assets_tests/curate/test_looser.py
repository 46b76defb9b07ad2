"""A parameter that a step declares `looser`: loosened, only the refused are judged again, and the result is
that of a full build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from silver_corpus import Row, bronze_row, contents, make_silver

ENGLISH = (
    "The river rises in the hills and runs to the sea. Many people have walked along it with their dogs."
)
GERMAN = "Der Fluss entspringt in den Bergen und fließt zum Meer. Viele Menschen gehen dort mit ihren Hunden."
LIST = "\n".join(f"- item {number} of the list\n- item {number} of the list..." for number in range(6))

NO_RUNS: dict[str, Any] = {"top_runs": {}, "duplicate_runs": {}}


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    for picture in ("draw_waterfall", "draw_scores"):
        monkeypatch.setattr(f"headwater.curate.engine.report.{picture}", lambda *_: None)


def corpus() -> list[Row]:
    texts = [ENGLISH, GERMAN, f"{ENGLISH} {ENGLISH}", f"{ENGLISH}\n{ENGLISH}\n{GERMAN}", LIST, "Too short."]
    texts += [f"{ENGLISH} {{ code }}", "#tag " * 8 + ENGLISH, "1234 5678 " * 9 + ENGLISH]
    texts += [f"{ENGLISH}\nno end\nnor here\nnor there", f"You are a damned fool. {ENGLISH}"]
    texts += [f"{ENGLISH} " * 6 + "\n" + f"{GERMAN} " * 5]
    return [bronze_row(f"a/{number:02d}", text) for number, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("step", "strict", "loosened"),
    [
        ("language", {"keep": ["en"], "max_mixed_share": 0.1}, {"keep": ["en", "de"]}),
        ("language", {"keep": ["en"], "max_mixed_share": 0.1}, {"max_mixed_share": 0.9}),
        ("quality", {"min_words": 30}, {"min_words": 3}),
        ("quality", {"min_lines": 2, "max_bullet_share": 0.1}, {"min_lines": 50}),
        ("quality", {"min_alphabetic_share": 0.9}, {"min_alphabetic_share": None}),
        ("gopher_quality", {"min_words": 20}, {"min_words": 2, "min_stop_words": 0}),
        (
            "gopher_repetition",
            {"max_duplicate_line_share": 0.1, "max_duplicate_line_character_share": 0.1, **NO_RUNS},
            {"max_duplicate_line_share": 0.9, "max_duplicate_line_character_share": None},
        ),
        ("c4_quality", {"min_sentences": 3}, {"min_sentences": 1, "curly_brackets": False}),
        ("fineweb_quality", {"max_short_share": 0.3}, {"max_short_share": 0.9, "min_terminal_share": None}),
        ("toxicity", {"max_toxicity": 0.1}, {"max_toxicity": 1.0}),
    ],
)
def test_a_loosened_parameter_judges_only_the_refused(
    tmp_path: Path, step: str, strict: dict[str, Any], loosened: dict[str, Any]
) -> None:
    if step == "toxicity":
        pytest.importorskip("profanity_check")

    def chain(parameters: dict[str, Any]) -> dict[str, Any]:
        return {"steps": [{"step": step, **parameters}], "dedup": {"near": False}}

    first, before = make_silver(tmp_path, corpus(), **chain(strict))
    refused = sum(before.refused.values()) - before.refused.get("exact_duplicate", 0)
    full, after = make_silver(tmp_path, corpus(), **chain({**strict, **loosened}))
    grown, produced = make_silver(tmp_path, corpus(), first, **chain({**strict, **loosened}))
    assert contents(grown) == contents(full)
    assert produced.metrics["documents_judged"] == refused
    assert before.rows < after.rows
