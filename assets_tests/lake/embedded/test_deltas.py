"""Payloads of the past that are kept as what differs from their successors."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headwater.lake import Damaged, Gone
from headwater.lake.embedded import EmbeddedLake, deltas
from headwater.lake.embedded.frames import LEVELS
from headwater.tables import write_rows

NOW = timedelta(0)
LINES = [f"row {number} " + random.Random(number).randbytes(32).hex() for number in range(500)]
SCHEMA = pa.schema([pa.field("id", pa.string()), pa.field("text", pa.string())])


@pytest.fixture
def lake(tmp_path: Path) -> EmbeddedLake:
    return EmbeddedLake(tmp_path / "lake", durable=False)


def lines(*edits: int) -> bytes:
    """40 kB that an edit changes at one place."""
    found = list(LINES)
    for edit in edits:
        found[edit * 7 % 500] = f"edited {edit}"
    return "\n".join(found).encode()


def put(lake: EmbeddedLake, data: bytes, path: str = "p/a", branch: str = "main") -> str:
    with lake.change(branch, "put") as change:
        change.put(path, data)
    assert change.commit is not None
    return change.commit.id


def stored(lake: EmbeddedLake, *folders: str) -> int:
    files = [file for folder in folders for file in (lake.root / folder).rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


def whole(lake: EmbeddedLake) -> int:
    return sum(1 for file in (lake.root / "objects").rglob("*") if file.is_file())


def delta(lake: EmbeddedLake, commit: str, path: str = "p/a") -> Path:
    digest = lake.stat(commit, path).digest
    return lake.root / "deltas" / digest[:2] / digest[2:]


@pytest.mark.parametrize("level", LEVELS)
def test_parts_of_every_level_become_deltas(lake: EmbeddedLake, tmp_path: Path, level: int) -> None:
    versions: list[bytes] = []
    for edits in ((), (3, 40)):
        rows = pa.table({"text": lines(*edits).decode().split("\n")})
        pq.write_table(rows, tmp_path / "part", compression="zstd", compression_level=level)
        versions.append((tmp_path / "part").read_bytes())
    first = put(lake, versions[0])
    put(lake, versions[1])
    assert delta(lake, first).exists()
    assert lake.fetch(first, "p/a").read_bytes() == versions[0]


def test_scattered_rows_of_a_dataset_cost_what_they_are(lake: EmbeddedLake, tmp_path: Path) -> None:
    chance = random.Random(7)
    words = [chance.randbytes(chance.randrange(2, 6)).hex() for _ in range(3_000)]
    rows = [{"id": f"{n:08x}", "text": " ".join(chance.choices(words, k=150))} for n in range(1_500)]
    contents: dict[str, dict[str, bytes]] = {}
    sizes: list[int] = []
    for version in range(3):
        for number in chance.sample(range(len(rows)), 15 if version else 0):
            rows[number] = {**rows[number], "text": " ".join(chance.choices(words, k=150))}
        folder = tmp_path / str(version)
        write_rows(folder, rows, SCHEMA, key="id")
        contents[str(version)] = {file.name: file.read_bytes() for file in folder.iterdir()}
        with lake.change("main", "rows") as change:
            change.put_folder("p/data/", folder)
        lake.tag(f"v{version}", "main")
        sizes.append(stored(lake, "objects", "deltas"))
    assert sizes[1] - sizes[0] < 0.05 * sizes[0]
    assert sizes[2] - sizes[1] < 0.05 * sizes[0]
    assert list(lake.verify(deep=True)) == []
    for name in ("part-00000.parquet", "part-00001.parquet"):
        payload = lake.stat("main", f"p/data/{name}").digest
        at = lake.root / "objects" / payload[:2] / payload[2:]
        assert (lake.fetch("main", "p/data/") / name).samefile(at)
    for version, files in contents.items():
        view = lake.fetch(f"v{version}", "p/data/")
        assert {file.name: file.read_bytes() for file in view.iterdir()} == files
    assert pq.read_table(lake.fetch("v0", "p/data/")).num_rows == 1_500


def test_a_long_history_stays_readable_and_its_chains_bounded(
    lake: EmbeddedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deltas, "LONGEST_CHAIN", 4)
    versions = [lines(*range(number)) for number in range(13)]
    commits = [put(lake, data) for data in versions]
    assert whole(lake) == 3
    assert list(lake.verify(deep=True)) == []
    for commit, data in zip(commits, versions, strict=True):
        assert lake.fetch(commit, "p/a").read_bytes() == data
    freed = lake.sweep(older_than=NOW, dry_run=False).freed
    assert freed == sum(map(len, versions)) - sum(len(versions[at]) for at in (4, 9, 12))
    assert whole(lake) == 3
    assert lake.fetch(commits[0], "p/").joinpath("a").read_bytes() == versions[0]


def test_content_that_comes_and_goes(lake: EmbeddedLake) -> None:
    one, two, three = lines(1), lines(2), lines(3)
    order = [one, two, one, two, three, one, three, two, one]
    commits = [put(lake, data) for data in order]
    for _ in range(2):
        for commit, data in zip(commits, order, strict=True):
            assert lake.fetch(commit, "p/a").read_bytes() == data
        lake.sweep(older_than=NOW, dry_run=False)
        assert list(lake.verify(deep=True)) == []
    assert whole(lake) == 1


def test_what_a_branch_has_at_its_head_stays_whole(lake: EmbeddedLake) -> None:
    lake.create_branch("production", put(lake, lines()))
    put(lake, lines(1))
    assert whole(lake) == 2
    with lake.change("production", "release") as change:
        change.adopt("p/", "main")
    assert whole(lake) == 1
    lake.revert("production", "production")
    assert lake.fetch("production", "p/a").read_bytes() == lines()
    lake.sweep(older_than=NOW, dry_run=False)
    assert whole(lake) == 2


def test_branches_of_runs_keep_nothing_whole(lake: EmbeddedLake) -> None:
    put(lake, lines())
    for name in ("run-1", "run-2"):
        lake.create_branch(name)
    put(lake, lines(1), branch="run-1")
    assert whole(lake) == 2
    lake.merge("run-1", "main", "publish")
    assert whole(lake) == 1
    assert lake.fetch("run-2", "p/a").read_bytes() == lines()


def test_a_file_that_was_fetched_stays(lake: EmbeddedLake) -> None:
    put(lake, lines())
    alone, folder = lake.fetch("main", "p/a"), lake.fetch("main", "p/")
    put(lake, lines(1))
    assert whole(lake) == 1
    assert alone.read_bytes() == (folder / "a").read_bytes() == lines()


def test_readers_beside_a_writer_find_every_version(lake: EmbeddedLake) -> None:
    versions = [lines(*range(number)) for number in range(12)]
    commits = [put(lake, versions[0])]

    def read(seed: int) -> int:
        chance = random.Random(seed)
        while len(commits) < len(versions):
            at = chance.randrange(len(commits))
            if chance.random() < 0.5:
                found = EmbeddedLake(lake.root).fetch(commits[at], "p/a")
            else:
                found = lake.fetch(commits[at], "p/") / "a"
            assert found.read_bytes() == versions[at]
        return seed

    with ThreadPoolExecutor(3) as pool:
        readers = pool.map(read, range(3))
        while len(commits) < len(versions):
            commits.append(put(lake, versions[len(commits)]))
        assert list(readers) == [0, 1, 2]
    assert list(lake.verify(deep=True)) == []


def test_what_saves_little_stays_whole(lake: EmbeddedLake) -> None:
    chance = random.Random(1)
    for _ in range(3):
        put(lake, chance.randbytes(5_000_000))
        put(lake, chance.randbytes(500), "p/small")
    assert whole(lake) == 6
    assert stored(lake, "deltas") == 0


def test_the_sweep_keeps_what_deltas_need_and_removes_the_rest(lake: EmbeddedLake) -> None:
    lake.create_branch("run-1")
    for number in range(4):
        put(lake, lines(number), branch="run-1")
    lake.tag("v1", next(lake.log("run-1", limit=3)).parents[0])
    old = lake.resolve("v1")
    lake.sweep(older_than=NOW, dry_run=False)
    assert lake.fetch(old, "p/a").read_bytes() == lines(2)
    assert list(lake.verify(deep=True)) == []
    lake.create_branch("run-2")
    for number in range(10, 13):
        put(lake, lines(number), "q", branch="run-2")
    before = stored(lake, "objects", "deltas")
    assert lake.sweep(older_than=NOW, dry_run=False).payloads > 0
    assert stored(lake, "objects", "deltas") < before - 35_000
    assert list(lake.verify(deep=True)) == []


def test_erasing_a_version_leaves_those_that_were_deltas_of_it(lake: EmbeddedLake) -> None:
    commits = [put(lake, lines(*range(number))) for number in range(5)]
    assert lake.erase([lake.stat(commits[2], "p/a").digest])[0] == 1
    for number, commit in enumerate(commits):
        if number == 2:
            with pytest.raises(Gone):
                lake.fetch(commit, "p/a")
        else:
            assert lake.fetch(commit, "p/a").read_bytes() == lines(*range(number))
    assert list(lake.verify(deep=True)) == []
    erased = [lake.stat(commit, "p/a").digest for commit in commits]
    assert lake.erase(erased)[0] == 4
    assert stored(lake, "objects") == 0
    assert not [file for file in (lake.root / "deltas").rglob("*") if file.is_file() and not file.suffix]


def test_rot_in_a_delta_is_found_named_and_mended(lake: EmbeddedLake) -> None:
    old = put(lake, lines())
    put(lake, lines(1))
    for rot in (lambda data: data[:-1], lambda data: b"x" + data, lambda data: data[:-9] + b"rotten" * 3):
        data = delta(lake, old).read_bytes()
        delta(lake, old).write_bytes(rot(data))
        with pytest.raises(Damaged):
            lake.fetch(old, "p/a")
        assert [problem.kind for problem in lake.verify(deep=True)] == ["wrong payload"]
        delta(lake, old).write_bytes(data)
    delta(lake, old).write_bytes(b"")
    put(lake, lines(), "p/again")
    assert lake.fetch(old, "p/a").read_bytes() == lines()
    lake.sweep(older_than=NOW, dry_run=False)
    assert list(lake.verify(deep=True)) == []


def test_a_base_that_is_missing_is_named(lake: EmbeddedLake) -> None:
    old = put(lake, lines())
    put(lake, lines(1))
    digest = lake.stat("main", "p/a").digest
    (lake.root / "objects" / digest[:2] / digest[2:]).unlink()
    with pytest.raises(Gone):
        lake.fetch(old, "p/a")
    assert [problem.kind for problem in lake.verify()] == ["missing payload"] * 2


def test_deltas_can_be_undone_for_another_release_of_zstd(lake: EmbeddedLake) -> None:
    versions = [lines(*range(number)) for number in range(4)]
    for data in versions:
        put(lake, data)
    assert lake.undo_deltas()[0] == 3
    assert stored(lake, "objects") == sum(map(len, versions))
    assert lake.undo_deltas() == (0, 0)
    assert list(lake.verify(deep=True)) == []
