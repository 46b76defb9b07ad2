from __future__ import annotations

import random
import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from headwater.curate import BronzeMaker, RawMaker
from headwater.fingerprint import digest_file
from headwater.schemas import BRONZE, QUARANTINE
from headwater.sources import Folder, Reading
from headwater.tables import read_json, read_rows
from headwater.workspace import Workspace

MakeWorkspace = Callable[..., Workspace]


def build(
    workspace: MakeWorkspace, source: Folder, name: str, previous: Path | None = None
) -> tuple[Workspace, Workspace, dict[str, float], dict[str, int]]:
    raw = workspace(f"raw-{name}")
    RawMaker(sources=(source,), max_shrink=1)(raw)
    bronze = workspace(f"bronze-{name}", {"raw": raw.out}, previous)
    produced = BronzeMaker.of((source,))(bronze)
    assert BRONZE.audit(bronze.out).passed
    assert QUARANTINE.audit(bronze.out / "quarantine").passed
    return raw, bronze, dict(produced.metrics), dict(produced.refused)


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): digest_file(path) for path in folder.rglob("*") if path.is_file()}


def test_bad_input_is_quarantined_and_the_run_goes_on(tmp_path: Path, workspace: MakeWorkspace) -> None:
    root = tmp_path / "source"
    root.mkdir()
    (root / "good.md").write_text("# Good\n\nA good document.")
    (root / "latin.txt").write_bytes("caf\u00e9".encode("latin-1"))
    (root / "cut.json").write_text('{"text": "cut o')
    with (root / "line.txt").open("wb") as stream:
        for _ in range(200):
            stream.write(b"a" * (1 << 20))
    (root / "empty.txt").touch()
    (root / "program.txt").write_bytes(b"\x7fELF" + bytes(range(256)))
    (root / "loop").symlink_to("loop")
    (root / "two\nlines.txt").write_text("x")
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    raw, bronze, metrics, refused = build(workspace, Folder(name="src", path=root), "one")
    assert time.process_time() - began < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000
    assert refused == {"binary": 1, "empty_file": 1, "invalid_json": 1, "not_utf8": 1, "too_large": 1}
    reasons = {row["uri"]: row["reason"] for row in read_rows(raw.out / "quarantine")}
    assert reasons == {"src/loop": "symlink_loop", "src/two\\nlines.txt": "control_character_in_name"}
    assert [row["uri"] for row in read_rows(bronze.out)] == ["src/good.md"]
    assert metrics["files"] == 6
    for row in read_rows(bronze.out / "quarantine"):
        assert row["step"] == "extract"
        assert row["detail"]
        assert row["raw_digest"]
        assert len(row["excerpt"]) <= 300


def test_rows_carry_their_provenance(tmp_path: Path, workspace: MakeWorkspace) -> None:
    root = tmp_path / "source"
    (root / "a").mkdir(parents=True)
    (root / "a" / "b.jsonl").write_text(
        '{"id": "x", "text": "First.", "tag": "t"}\n{"id": "x", "text": "Again."}\n{"text": "No id."}'
    )
    raw, bronze, _, refused = build(workspace, Folder(name="src", path=root), "one")
    first, second = read_rows(bronze.out)
    assert (first["uri"], second["uri"]) == ("src/a/b.jsonl#x", "src/a/b.jsonl#L3")
    assert first["raw_digest"] == next(iter(read_rows(raw.out)))["digest"]
    assert (first["section"], first["start"], first["attributes"]) == ("a", None, '{"id":"x","tag":"t"}')
    assert refused == {"repeated_id": 1}


def test_an_incremental_build_equals_a_full_one(tmp_path: Path, workspace: MakeWorkspace) -> None:
    chance = random.Random(7)
    root = tmp_path / "source"
    root.mkdir()
    names = [
        f"{stem}{end}" for stem in ("a", "a b", "a!", "a#", "b", "b-1") for end in (".md", ".jsonl", ".txt")
    ]
    source, previous = Folder(name="src", path=root), None
    reused = 0.0
    for generation in range(6):
        for name in chance.sample(names, 6):
            path = root / name
            action = chance.random()
            if action < 0.2:
                path.unlink(missing_ok=True)
            elif action < 0.3:
                path.write_bytes(b"\xff")
            else:
                lines = [f'{{"text": "line {chance.random()}"}}' for _ in range(chance.randrange(4))]
                path.write_text("\n".join([*lines, "{bad"]))
        _, incremental, metrics, refused = build(workspace, source, f"inc{generation}", previous)
        _, full, _, refused_again = build(workspace, source, f"full{generation}")
        assert contents(incremental.out) == contents(full.out)
        assert refused == refused_again
        reused += metrics["files_reused"]
        previous = incremental.out
    assert reused > 20


OWN_READERS = """
from headwater.curate.extract import Document

def shout(file):
    yield Document(file.text().upper(), title="LOUD")

def silent(file):
    return iter(())

def defective(file):
    raise KeyError("defect")
    yield
"""


def test_another_reader_reads_everything_again(
    tmp_path: Path, workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.txt").write_text("hello there")
    source = Folder(name="src", path=tmp_path / "source")
    _, first, _, _ = build(workspace, source, "one")
    (tmp_path / "own_readers.py").write_text(OWN_READERS)
    monkeypatch.syspath_prepend(str(tmp_path))
    loud = source.model_copy(update={"reader": Reading(name="own_readers:shout")})
    _, second, metrics, _ = build(workspace, loud, "two", first.out)
    assert metrics["files_reused"] == 0
    assert next(iter(read_rows(second.out)))["text"] == "HELLO THERE"
    assert read_json(first.out / "_fingerprint.json") != read_json(second.out / "_fingerprint.json")
    quiet = source.model_copy(update={"reader": Reading(name="own_readers:silent")})
    assert build(workspace, quiet, "three")[3] == {"no_documents": 1}
    defective = source.model_copy(update={"reader": Reading(name="own_readers:defective")})
    with pytest.raises(KeyError, match="defect") as error:
        build(workspace, defective, "four")
    assert error.value.__notes__ == ["while reading src/a.txt"]


def test_an_unknown_reader_stops_with_its_name(workspace: MakeWorkspace, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    source = Folder.model_validate({"name": "src", "path": tmp_path, "include": ["*.txt"], "reader": "txt"})
    with pytest.raises(ValueError, match="reader 'txt' is unknown"):
        build(workspace, source, "one")
