from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from headwater.curate import SilverMaker
from headwater.curate.dedup.wording import kept_uri
from headwater.fingerprint import canonical_json, digest_file, digest_text
from headwater.schemas import BRONZE, DUPLICATES, PAIRS, QUARANTINE, SILVER, STATE
from headwater.tables import read_rows, write_rows
from headwater.workspace import Produced, Workspace

MakeWorkspace = Callable[..., Workspace]
ENGLISH = ["normalize", {"step": "language", "keep": ["en"]}, "quality", "pii"]
PROSE = "Starts the specified instance, waits until it runs and returns its new state to the caller."


def bronze_row(uri: str, text: str, attributes: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {
        "document_id": digest_text(uri),
        "uri": uri,
        "source": uri.split("/")[0],
        "raw_digest": digest_text("raw"),
        "media_type": "text/plain",
        "title": " A\ntitle ",
        "section": "",
        "start": 0,
        "end": len(text),
        "text": text,
        "text_digest": digest_text(text),
        "attributes": canonical_json(dict(attributes or {})),
    }


def run(
    workspace: MakeWorkspace, rows: list[dict[str, Any]], name: str = "silver", **settings: Any
) -> tuple[Path, Produced]:
    space = workspace(name)
    bronze = space.scratch.parent / f"bronze-{name}"
    write_rows(bronze, rows, BRONZE.arrow, key="document_id")
    space = Workspace(space.out, {"bronze": bronze}, None, space.cache, space.scratch, space.progress)
    produced = SilverMaker.model_validate(settings)(space)
    assert SILVER.audit(space.out).passed
    assert QUARANTINE.audit(space.out / "quarantine").passed
    assert STATE.audit(space.out / "state").passed
    assert PAIRS.audit(space.out / "state" / "pairs").passed
    assert DUPLICATES.audit(space.out / "state" / "duplicates").passed
    assert [check.passed for check in produced.checks] == [True]
    assert not list(space.scratch.iterdir())
    return space.out, produced


def test_every_step_judges_changes_and_reports(workspace: MakeWorkspace) -> None:
    german = "Der schnelle braune Fuchs springt über den faulen Hund, und niemand im Dorf wunderte sich."
    rows = [
        bronze_row("a/1", f"{PROSE}\u00a0 Ask  jane@corp.io."),
        bronze_row("a/2", german + " Schreiben Sie an max@firma.de."),
        bronze_row("a/3", "Short."),
        bronze_row("a/4", " \u200b "),
        bronze_row("a/5", f"{PROSE} Ask bob@corp.io."),
        bronze_row("b/1", f"{PROSE} Ask  <b>someone</b>, <EMAIL>."),
    ]
    out, produced = run(workspace, rows, steps=ENGLISH, dedup={"threshold": 0.7})
    (kept,) = read_rows(out)
    assert kept["text"] == f"{PROSE} Ask <EMAIL>."
    assert kept["text_digest"] == digest_text(kept["text"])
    assert (kept["title"], kept["language"], kept["start"], kept["end"]) == (
        "A title",
        "en",
        0,
        rows[0]["end"],
    )
    assert json.loads(kept["redactions"]) == {"email": 1}
    assert kept["duplicates"] == sorted([rows[4]["document_id"], rows[5]["document_id"]])
    refused = {row["uri"]: row for row in read_rows(out / "quarantine")}
    assert {uri: (row["step"], row["reason"]) for uri, row in refused.items()} == {
        "a/2": ("language", "other_language"),
        "a/3": ("quality", "too_short"),
        "a/4": ("normalize", "no_text"),
        "a/5": ("dedup", "exact_duplicate"),
        "b/1": ("dedup", "near_duplicate"),
    }
    assert "max@firma.de" not in refused["a/2"]["excerpt"]
    assert refused["a/5"]["detail"] == "kept a/1; similarity 1.000"
    flow = [(row["step"], row["in"], row["refused"], row["out"]) for row in produced.tables["waterfall"]]
    assert flow == [
        ("normalize", 6, 1, 5),
        ("language", 5, 1, 4),
        ("quality", 4, 1, 3),
        ("pii", 3, 0, 3),
        ("dedup", 3, 2, 1),
    ]
    assert produced.tables["waterfall"][0]["bytes_in"] == sum(len(row["text"].encode()) for row in rows)
    assert sum(produced.refused.values()) == 5
    assert produced.rows == 1


def test_the_source_order_decides_which_duplicate_is_kept(workspace: MakeWorkspace) -> None:
    rows = [bronze_row(uri, PROSE) for uri in ("a/1", "b/1", "b/2", "c/1")]
    out, _ = run(workspace, rows, source_order=["b"])
    (kept,) = read_rows(out)
    assert kept["uri"] == "b/1"
    assert len(kept["duplicates"]) == 3


def test_a_cell_lists_the_first_of_very_many_duplicates(
    workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.curate.engine.output.MOST_LISTED", 3)
    rows = [bronze_row(f"a/{number}", PROSE) for number in range(9)]
    out, _ = run(workspace, rows)
    (kept,) = read_rows(out)
    assert kept["duplicates"] == sorted(row["document_id"] for row in rows[1:4])
    assert [kept_uri(row["detail"]) for row in read_rows(out / "quarantine")] == ["a/0"] * 8


def test_attributes_can_keep_equal_texts_apart(workspace: MakeWorkspace) -> None:
    rows = [bronze_row(f"a/{op}", PROSE, {"operation": op}) for op in ("x", "y")]
    assert run(workspace, rows, "one")[1].rows == 1
    assert run(workspace, rows, "two", dedup={"distinct_by": ["operation"]})[1].rows == 2


def test_equal_input_gives_equal_bytes_over_many_batches(workspace: MakeWorkspace) -> None:
    rows = [
        bronze_row(f"a/{index:05d}", f"{PROSE} It is number {index // 2} of them.") for index in range(3000)
    ]
    first, produced = run(workspace, rows, "one", dedup={"near": False})
    second, _ = run(workspace, rows, "two", dedup={"near": False})
    assert produced.rows == 1500
    assert [digest_file(path) for path in sorted(first.rglob("*.parquet"))] == [
        digest_file(path) for path in sorted(second.rglob("*.parquet"))
    ]


def test_no_documents_at_all(workspace: MakeWorkspace) -> None:
    assert run(workspace, [])[1].rows == 0
    assert run(workspace, [bronze_row("a/1", "x")], "two")[1].refused == {"too_short": 1}
