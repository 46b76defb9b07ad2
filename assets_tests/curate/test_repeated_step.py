"""Text that several documents share is removed; a build from the last version does the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from silver_corpus import Row, bronze_row, contents, make_silver

from headwater import tables
from headwater.curate import SilverMaker
from headwater.curate.engine import build
from headwater.fingerprint import digest_text
from headwater.tables import read_rows

FOOTER = "All rights are reserved by the authors."
LINES = {"step": "repeated", "unit": "line", "documents": 3, "within": "source", "keep": "none"}
PARAGRAPHS = {"step": "repeated", "unit": "paragraph"}
CHAIN: dict[str, Any] = {
    "steps": [LINES, PARAGRAPHS, "normalize"],
    "dedup": {"shingle_words": 2, "permutations": 32, "bands": 8},
}


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MIN_PART_ROWS", 3)
    monkeypatch.setattr(tables, "MAX_PART_ROWS", 12)
    for picture in ("draw_waterfall", "draw_scores"):  # they take longer than all the rest
        monkeypatch.setattr(f"headwater.curate.engine.report.{picture}", lambda *_: None)


def test_boilerplate_goes_and_what_consists_of_it_is_quarantined(tmp_path: Path) -> None:
    own = [f"Chapter number {n} is about the {n}th thing of all." for n in range(4)]
    quoted = "A paragraph that two of the documents quote."
    rows = [
        *(bronze_row(f"a/{n}", f"{text}\n{FOOTER}\n\n{quoted}" if n < 2 else f"{text}\n{FOOTER}")
          for n, text in enumerate(own)),
        bronze_row("a/9", FOOTER),
        bronze_row("b/0", f"Another site has it once.\n{FOOTER}"),
    ]  # fmt: skip
    out, produced = make_silver(tmp_path, rows, **CHAIN)
    found = {row["uri"]: row for row in read_rows(out)}
    assert [found[f"a/{n}"]["text"] for n in range(4)] == [f"{own[0]}\n\n{quoted}", *own[1:]]
    assert found["b/0"]["text"].endswith(FOOTER)
    assert found["a/1"]["text_digest"] == digest_text(own[1])
    annotations = found["a/1"]["annotations"]
    assert f'"repeated_line_bytes":{len(FOOTER) + 1}' in annotations.replace(" ", "")
    refused = list(read_rows(out / "quarantine"))
    assert [(row["uri"], row["step"], row["reason"], row["excerpt"]) for row in refused] == [
        ("a/9", "repeated", "repeated_text", FOOTER)
    ]
    waterfall = produced.tables["waterfall"]
    assert waterfall[0]["bytes_in"] == sum(len(row["text"]) for row in rows)
    assert [(row["step"], row["refused"]) for row in waterfall][:2] == [("repeated", 1), ("repeated", 0)]


texts = st.lists(
    st.sampled_from([FOOTER, *(f"This is line {n} of the book." for n in range(7))]), min_size=1, max_size=5
)
corpora = st.dictionaries(st.integers(0, 20), texts, min_size=1, max_size=20)


def rows_of(corpus: dict[int, list[str]]) -> list[Row]:
    return [bronze_row(f"{'ab'[uri % 2]}/{uri:02d}", "\n\n".join(lines)) for uri, lines in corpus.items()]


@settings(deadline=None, max_examples=6)
@given(before=corpora, after=corpora)
def test_a_build_from_the_last_version_gives_what_a_full_build_gives(
    tmp_path_factory: pytest.TempPathFactory, before: dict[int, list[str]], after: dict[int, list[str]]
) -> None:
    base = tmp_path_factory.mktemp("repeated")
    last, _ = make_silver(base, rows_of(before), **CHAIN)
    again, _ = make_silver(base, rows_of({**before, **after}), previous=last, **CHAIN)
    whole, _ = make_silver(base, rows_of({**before, **after}), **CHAIN)
    assert contents(again) == contents(whole)


def test_processes_do_not_change_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "LEAST_BYTES_FOR_PROCESSES", 0)
    rows = [bronze_row(f"a/{n:02d}", f"This is text {n} of the book.\n\n{FOOTER}") for n in range(40)]
    alone, _ = make_silver(tmp_path, rows, workers=1, **CHAIN)
    shared, _ = make_silver(tmp_path, rows, workers=2, **CHAIN)
    assert contents(alone) == contents(shared)


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (["normalize", PARAGRAPHS], "expected `repeated` before all other steps"),
        (
            [PARAGRAPHS, PARAGRAPHS],
            "expected `repeated` steps of different units, found paragraph, paragraph",
        ),
    ],
)
def test_a_wrong_place_is_told_at_load(steps: list[Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        SilverMaker.model_validate({"steps": steps})
