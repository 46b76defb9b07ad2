"""A lake moved into lakeFS with its history: everything is there, once, and under its old ids too."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headwater.cli.app import app
from headwater.lake import Conflict, Denied, Lake, LakeError, NoChanges
from headwater.lake.copying import Copied, Diverged, copy_lake
from headwater.lake.embedded import EmbeddedLake
from headwater.lake.lakefs import LakeFSLake

PATHS = ("p/a", "p/b", "q/a", "q/é ü", "top")


@pytest.fixture
def source(tmp_path: Path) -> EmbeddedLake:
    return EmbeddedLake(tmp_path / "source", durable=False)


def put(lake: Lake, branch: str, message: str = "write", **files: bytes | None) -> str:
    """One change; `p__a` stands for the path `p/a`."""
    with lake.change(branch, message, {"by": "ä", "run_id": message}) as change:
        for name, content in files.items():
            if content is None:
                change.delete(name.replace("__", "/"))
            else:
                change.put(name.replace("__", "/"), content, {"kind": "x"})
    assert change.commit is not None
    return change.commit.id


def tree(lake: Lake, ref: str) -> list[tuple]:
    return [(item.path, item.size, item.digest, dict(item.metadata)) for item in lake.list(ref)]


def history(lake: Lake, ref: str) -> set[str]:
    return {commit.id for commit in lake.log(ref)}


def assert_equal(source: Lake, target: LakeFSLake, done: Copied) -> None:
    """Every commit with its tree, message, time, metadata and parents, under its old id."""
    for kind in ("branch", "tag"):
        assert source.refs(kind).keys() == target.refs(kind).keys()
        for name, commit in source.refs(kind).items():
            assert target.resolve(name) == target.resolve(commit)
            for old in source.log(commit):
                new = next(target.log(old.id, limit=1))
                assert tree(source, old.id) == tree(target, new.id), old
                if not old.parents:
                    continue
                assert (new.message, new.time) == (old.message, old.time)
                assert old.metadata.items() <= new.metadata.items()
                assert new.metadata["copied_from"] == old.id
                assert new.metadata["copied_parents"].split() == list(old.parents)
                assert len(new.parents) == len(old.parents)
                assert new.parents[0] == target.resolve(old.parents[0])
                if len(old.parents) == 2:
                    theirs = target.resolve(old.parents[1])
                    assert theirs == new.parents[1] or old.id in done.decided
                    assert theirs in history(target, new.id)


def scribble(lake: Lake, steps: int, seed: int) -> None:
    """Changes, merges with and without strategy, reverts, tags and branches, at random."""
    draw = random.Random(seed)
    for step in range(steps):
        branches = sorted(lake.refs("branch"))
        branch, other = draw.choice(branches), draw.choice(branches)
        kind = draw.choice(["write"] * 4 + ["merge"] * 3 + ["branch", "tag", "revert", "adopt", "delete"])
        try:
            if kind == "write":
                with lake.change(branch, f"step {step}", {"step": str(step)}) as change:
                    for path in draw.sample(PATHS, 2):
                        change.put(path, b"%d" % draw.randrange(6))
                    change.delete(draw.choice(PATHS))
            elif kind == "merge":
                strategy = draw.choice([None, "source-wins", "dest-wins"])
                lake.merge(branch, other, f"merge {step}", {"step": str(step)}, strategy=strategy)
            elif kind == "branch":
                lake.create_branch(f"b{step}-{seed}", branch)
            elif kind == "tag":
                lake.tag(f"t.{step}-{seed}", branch)
            elif kind == "revert":
                lake.revert(branch, branch)
            elif kind == "adopt":
                with lake.change(branch, f"step {step}", {"from": lake.resolve(other)}) as change:
                    change.adopt("p/", other)
            elif branch != "main":
                lake.delete_branch(branch)
        except (NoChanges, Conflict, Denied):
            continue


@pytest.mark.parametrize("seed", range(3))
def test_any_history_comes_over_and_twice_is_once(source: EmbeddedLake, lake: LakeFSLake, seed: int) -> None:
    scribble(source, 40, seed)
    done = copy_lake(source, lake)
    assert done.made == done.commits - 1
    assert done.checked == len(source.refs("branch")) + len(source.refs("tag"))
    assert_equal(source, lake, done)
    refs = lake.refs("branch")
    before = {commit for name in (*refs, *source.refs("tag")) for commit in history(source, name)}
    again = copy_lake(source, lake)
    assert (again.made, again.payloads, again.branches) == (0, 0, done.branches)
    assert lake.refs("branch") == refs
    scribble(source, 20, seed + 100)
    more = copy_lake(source, lake)
    after = {commit for name in source.refs("branch") for commit in history(source, name)}
    assert more.made == len(after - before)
    assert {name: lake.resolve(name) for name in more.branches} == more.branches
    assert list(lake.verify(deep=True)) == []
    hidden = {str(item["id"]) for item in lake._control.branches(hidden=True)} - lake.refs("branch").keys()
    assert hidden == {"copied-commits"}


def test_bytes_are_sent_once(source: EmbeddedLake, lake: LakeFSLake, double) -> None:
    big = b"x" * 9_000_000
    put(source, "main", p__a=b"1", p__b=b"1", q__a=big)
    source.create_branch("run-1")
    put(source, "run-1", p__c=b"1", q__b=big)
    source.merge("run-1", "main", "m")
    source.delete_branch("run-1")
    source.revert("main", "main")
    dry = copy_lake(source, lake, dry_run=True)
    assert next(iter(lake.log("main"))).message == "Repository created", "a dry run writes nothing"
    done = copy_lake(source, lake)
    assert (done.payloads, done.bytes) == (dry.payloads, dry.bytes) == (2, len(big) + 1)
    assert (done.made, done.shared) == (dry.made, dry.shared) == (4, 3)
    assert_equal(source, lake, done)


def test_a_copy_that_broke_off_continues(source: EmbeddedLake, lake: LakeFSLake, double) -> None:
    for number in range(4):
        source.create_branch("run-1")
        put(source, "run-1", f"made {number}", **{f"p__{number}": b"%d" % number})
        put(source, "main", f"beside {number}", top=b"%d" % number)
        source.merge("run-1", "main", f"merge {number}")
        source.delete_branch("run-1")
    source.tag("v1", "main")
    kept: list[int] = []
    for path, skip in (("commits$", 1), ("merge", 2), ("commits$", 3), ("/p/3$", 0), ("tags$", 0)):
        double.faults({"method": None, "path": path, "skip": skip, "status": 403, "times": 99})
        with pytest.raises(LakeError):
            copy_lake(source, lake)
        double.faults()
        kept.append(len(history(lake, "main")))
    done = copy_lake(source, lake)
    assert done.made < done.commits - 1, "what was there is kept"
    assert kept == sorted(kept)
    assert_equal(source, lake, done)


def test_a_lost_answer_makes_nothing_twice(source: EmbeddedLake, lake: LakeFSLake, double) -> None:
    put(source, "main", p__a=b"1")
    source.create_branch("dev")
    put(source, "dev", p__a=b"2")
    source.merge("dev", "main", "m")
    double.faults({"method": "LOST", "path": "merge/main", "status": 500, "times": 2})
    done = copy_lake(source, lake)
    assert_equal(source, lake, done)
    assert len(history(lake, "main")) == len(history(source, "main"))


def test_protected_branches_are_filled_by_merges(source: EmbeddedLake, lake: LakeFSLake) -> None:
    lake._control.protect(["main", "production"])
    root = source.resolve("main")
    put(source, "main", **{f"p__{number}": b"%d" % number for number in range(12)})
    source.create_branch("production", root)
    for turn in range(2):
        with source.change("production", "release", {"main_commit": source.resolve("main")}) as change:
            change.adopt("p/", "main")
        put(source, "main", **{f"p__{number}": b"%d %d" % (turn, number) for number in range(12)})
    done = copy_lake(source, lake)
    assert_equal(source, lake, done)


def test_a_takeover_moves_no_bytes(source: EmbeddedLake, lake: LakeFSLake, double) -> None:
    root = source.resolve("main")
    put(source, "main", other__x=b"x", **{f"p__{number}": b"%d" % number for number in range(12)})
    source.create_branch("production", root)
    with source.change("production", "release", {"main_commit": source.resolve("main")}) as change:
        change.adopt("p/", "main")
    double.faults({"method": "POST", "path": "objects/copy", "status": 403, "times": 99})
    assert_equal(source, lake, copy_lake(source, lake))


def test_erased_bytes_are_left_out_and_named(source: EmbeddedLake, lake: LakeFSLake) -> None:
    source.create_branch("run-1")
    old = put(source, "run-1", p__a=b"secret", p__b=b"kept")
    source.merge("run-1", "main", "m")
    source.delete_branch("run-1")
    put(source, "main", p__a=b"clean")
    source.erase([source.stat(old, "p/a").digest])
    done = copy_lake(source, lake)
    assert done.lost == [(old, "p/a")]
    assert done.decided == []
    assert [item.path for item in lake.list(old)] == ["p/b"]
    assert tree(lake, "main") == tree(source, "main")
    assert copy_lake(source, lake).made == 0


def test_other_lakes_are_not_overwritten(source: EmbeddedLake, lake: LakeFSLake, tmp_path: Path) -> None:
    put(source, "main", p__a=b"1")
    put(lake, "main", theirs=b"1")
    with pytest.raises(Diverged, match="'main'"):
        copy_lake(source, lake)
    assert tree(lake, "main")[0][0] == "theirs"


def test_a_target_that_lives_on_is_left_alone(source: EmbeddedLake, lake: LakeFSLake) -> None:
    put(source, "main", p__a=b"1")
    copy_lake(source, lake)
    head = put(lake, "main", p__a=b"2")
    put(source, "main", p__a=b"3")
    with pytest.raises(Diverged, match="new repository"):
        copy_lake(source, lake)
    assert lake.resolve("main") == head


def test_old_ids_survive_branches_and_caches(source: EmbeddedLake, lake, location, tmp_path: Path) -> None:
    source.create_branch("run-1")
    old = put(source, "run-1", p__a=b"1")
    copy_lake(source, lake)
    lake.delete_branch("run-1")
    fresh = LakeFSLake(location, tmp_path / "other-cache")
    assert fresh.fetch(old, "p/a").read_bytes() == b"1"
    with fresh.change("main", "x") as change:
        change.adopt("p/", old)
    assert tree(fresh, "main") == tree(source, old)
    for unknown in ("0" * 40, "0" * 64):
        with pytest.raises(LookupError):
            fresh.resolve(unknown)
    assert fresh.sweep(older_than=timedelta(0), dry_run=False).leftovers == 0
    assert fresh.resolve(old) == lake.resolve(old)


def test_the_command(source: EmbeddedLake, lake, location, tmp_path: Path, monkeypatch) -> None:
    put(source, "main", p__a=b"1")
    source.tag("v1", "main")
    monkeypatch.setenv("HEADWATER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HEADWATER_LAKE", str(source.root))
    runner = CliRunner()
    told = runner.invoke(app, ["lake", "copy", "--to", location, "--dry-run"])
    assert told.exit_code == 0, told.output
    assert "would make 1 of 2 commits" in told.stdout
    monkeypatch.setenv("HEADWATER_COPY_TO", location)
    done = json.loads(runner.invoke(app, ["lake", "copy", "--json"]).stdout)
    assert (done["made"], done["tags"].keys()) == (1, {"v1"})
    assert "the same on both sides" in runner.invoke(app, ["lake", "copy", "--from", str(source.root)]).stdout
    wrong = runner.invoke(app, ["lake", "copy", "--to", str(tmp_path / "folder")])
    assert wrong.exit_code == 1
    assert "lakefs://host" in wrong.stderr
    assert not (tmp_path / "folder").exists()
    missing = runner.invoke(app, ["lake", "copy", "--from", str(tmp_path / "folder")])
    assert missing.exit_code == 1
    assert "there is no lake" in missing.stderr
    assert not (tmp_path / "folder").exists()
