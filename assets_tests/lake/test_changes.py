"""A change is one commit: everything or nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headwater.lake import Conflict, InvalidName, Lake, NoChanges, NotFound


def test_commit_tells_what_it_was_given(lake: Lake) -> None:
    message = 'First line\n\n{"not": "metadata"}\n\nend\n'
    metadata = {"asset": "silver", "leer": "", "zeile": "a\n\nb", "ключ": "🙂"}
    head = lake.resolve("main")
    with lake.change("main", message, metadata) as change:
        change.put("a", b"1")
        assert change.commit is None
    made = change.commit
    assert made is not None
    assert (made.message, made.metadata, made.parents) == (message, metadata, (head,))
    assert made.id == lake.resolve("main")
    assert next(lake.log("main")) == made


def test_nothing_is_visible_before_the_end(lake: Lake, read) -> None:
    head = lake.resolve("main")
    with lake.change("main", "x") as change:
        change.put("a", b"1")
        assert lake.resolve("main") == head
        assert read("main") == {}
        assert list(lake.refs("branch")) == ["main"]
    assert read("main") == {"a": b"1"}
    assert list(lake.refs("branch")) == ["main"]


def test_an_exception_leaves_nothing(lake: Lake, read) -> None:
    head = lake.resolve("main")
    change = None

    def fail() -> None:
        nonlocal change
        with lake.change("main", "x") as change:
            change.put("a", b"1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert change is not None
    assert change.commit is None
    assert (lake.resolve("main"), read("main"), list(lake.refs("branch"))) == (head, {}, ["main"])


def test_a_closed_change_refuses_more(lake: Lake, tmp_path: Path) -> None:
    with lake.change("main", "x") as change:
        change.put("a", b"1")
    for late in (
        lambda: change.put("b", b"2"),
        lambda: change.delete("a"),
        lambda: change.adopt("b/", "main"),
        lambda: change.put_folder("b/", tmp_path),
    ):
        with pytest.raises(RuntimeError, match="closed"):
            late()


def test_empty_and_equal_changes(lake: Lake, write) -> None:
    write("main", {"a": b"1"})
    head = lake.resolve("main")
    with pytest.raises(NoChanges), lake.change("main", "empty"):
        pass
    for files in ({"a": b"1"}, {"missing": None}, {"b/c": None}):
        with pytest.raises(NoChanges):
            write("main", files)
    assert lake.resolve("main") == head


def test_other_metadata_is_a_change(lake: Lake, write) -> None:
    write("main", {"a": b"1"})
    with lake.change("main", "x") as change:
        change.put("a", b"1", {"rows": "1"})
    assert lake.stat("main", "a").metadata == {"rows": "1"}


def test_the_last_word_on_a_path_counts(lake: Lake, write, read) -> None:
    write("main", {"kept": b"0", "gone": b"0"})
    with lake.change("main", "x") as change:
        change.put("a", b"1")
        change.put("a", b"2")
        change.put("b", b"3")
        change.delete("b")
        change.delete("kept")
        change.put("kept", b"4")
        change.put("gone", b"5")
        change.delete("gone")
    assert read("main") == {"a": b"2", "kept": b"4"}


def test_unknown_branch(lake: Lake) -> None:
    lake.tag("v1", "main")
    for name in ("nowhere", "v1", lake.resolve("main"), "../main", "a/b", "", "a\0b"):
        with pytest.raises(NotFound), lake.change(name, "x"):
            pytest.fail("the block must not run")


def test_a_message_with_nul_is_refused(lake: Lake) -> None:
    with pytest.raises(ValueError, match="message"):
        lake.change("main", "a\0b")


@pytest.fixture
def overtake(lake: Lake, write):
    """`overtake(late, early)`: a change of `late` during which another one commits `early`."""

    def overtake(late, early) -> None:
        with lake.change("main", "late") as change:
            for path, content in late.items():
                change.put(path, content)
            write("main", early)

    return overtake


def test_interleaved_changes_of_disjoint_paths(lake: Lake, read) -> None:
    with lake.change("main", "outer") as outer:
        outer.put("outer/a", b"1")
        with lake.change("main", "inner") as inner:
            inner.put("inner/a", b"2")
        outer.put("outer/b", b"3")
    assert read("main") == {"inner/a": b"2", "outer/a": b"1", "outer/b": b"3"}
    assert [commit.message for commit in lake.log("main", limit=2)] == ["outer", "inner"]


def test_interleaved_changes_of_one_path(overtake, read) -> None:
    with pytest.raises(Conflict) as caught:
        overtake({"a": b"late", "b": b"late"}, {"a": b"early"})
    assert caught.value.paths == ("a",)
    assert read("main") == {"a": b"early"}


def test_interleaved_changes_that_agree(overtake, read) -> None:
    overtake({"a": b"same", "b": b"late"}, {"a": b"same"})
    assert read("main") == {"a": b"same", "b": b"late"}
    with pytest.raises(NoChanges):
        overtake({"c": b"same"}, {"c": b"same"})


def test_interleaved_object_and_folder(overtake, read) -> None:
    with pytest.raises(Conflict) as caught:
        overtake({"a": b"late"}, {"a/b": b"early"})
    assert caught.value.paths == ("a", "a/b")
    assert read("main") == {"a/b": b"early"}


def test_threads_share_a_change(lake: Lake, read) -> None:
    files = {f"f/{number}": b"%d" % (number % 10) for number in range(200)}
    with lake.change("main", "x") as change, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda item: change.put(*item), files.items()))
    assert read("main") == files


def test_put_moves_a_file(lake: Lake, tmp_path: Path, read) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(b"same")
    with lake.change("main", "x") as change:
        change.put("copied", tmp_path / "a")
        change.put("moved", tmp_path / "b", move=True)
    assert [name for name in "abc" if (tmp_path / name).exists()] == ["a", "c"]
    (tmp_path / "a").write_bytes(b"other")
    assert read("main") == {"copied": b"same", "moved": b"same"}


@pytest.mark.parametrize("move", [False, True])
def test_put_folder_replaces_what_was_there(lake: Lake, write, read, tmp_path: Path, move: bool) -> None:
    write("main", {"p/old": b"0", "p/sub/old": b"0", "p2/x": b"0", "p": None})
    folder = tmp_path / "out"
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "new").write_bytes(b"1")
    (folder / "sub" / "deep" / "é").write_bytes(b"2")
    with lake.change("main", "x") as change:
        change.put("p/lost", b"before")
        objects = change.put_folder("p/", folder, move=move, metadata={"k": "v"})
        change.put("p/extra", b"after")
    assert read("main") == {"p/extra": b"after", "p/new": b"1", "p/sub/deep/é": b"2", "p2/x": b"0"}
    assert [entry.path for entry in objects] == ["p/new", "p/sub/deep/é"]
    assert lake.stat("main", "p/new") == objects[0]
    assert objects[0].metadata == {"k": "v"}
    assert (folder / "new").exists() is not move


def test_put_folder_again_is_no_change(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    with lake.change("main", "x") as change:
        change.put_folder("p/q/", tmp_path)
    with pytest.raises(NoChanges), lake.change("main", "x") as change:
        change.put_folder("p/q/", tmp_path)


def test_an_empty_folder_clears(lake: Lake, write, read, tmp_path: Path) -> None:
    write("main", {"p/a": b"1", "q": b"2"})
    with lake.change("main", "x") as change:
        assert change.put_folder("p/", tmp_path) == ()
    assert read("main") == {"q": b"2"}


def test_put_folder_over_an_object(lake: Lake, write, read, tmp_path: Path) -> None:
    write("main", {"p": b"1"})
    (tmp_path / "a").write_bytes(b"2")
    with pytest.raises(InvalidName), lake.change("main", "x") as change:
        change.put_folder("p/", tmp_path)
    with lake.change("main", "x") as change:
        change.delete("p")
        change.put_folder("p/", tmp_path)
    assert read("main") == {"p/a": b"2"}


def test_put_folder_refuses_what_is_no_file(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(InvalidName, match="symbolic link"), lake.change("main", "x") as change:
        change.put_folder("p/", tmp_path, move=True)
    assert (tmp_path / "a").exists()
    with pytest.raises(NotADirectoryError), lake.change("main", "x") as change:
        change.put_folder("p/", tmp_path / "a")
    for prefix in ("p", "", "/", "p//", "../"):
        with pytest.raises(InvalidName), lake.change("main", "x") as change:
            change.put_folder(prefix, tmp_path / "missing")


def test_adopt_takes_a_folder_as_it_is_elsewhere(lake: Lake, write, read) -> None:
    write("main", {"p/a": b"1", "p/s/b": b"2", "q/x": b"3"})
    released = lake.create_branch("production")
    write("main", {"p/a": b"4", "p/s/b": None, "p/c": b"5", "q/x": b"6"})
    with lake.change("production", "release", {"version": "2"}) as change:
        change.adopt("p/", "main")
    assert read("production") == {"p/a": b"4", "p/c": b"5", "q/x": b"3"}
    assert [(d.path, d.kind) for d in lake.diff(released, "production")] == [
        ("p/a", "changed"),
        ("p/c", "added"),
        ("p/s/b", "removed"),
    ]
    with lake.change("production", "rollback") as change:
        change.adopt("p/", released)
    assert read("production") == {"p/a": b"1", "p/s/b": b"2", "q/x": b"3"}
    with pytest.raises(NoChanges), lake.change("production", "again") as change:
        change.adopt("p/", released)


def test_adopt_and_later_words(lake: Lake, write, read) -> None:
    write("main", {"p/a": b"1", "p/b/c": b"2"})
    lake.create_branch("other", next(lake.log("main")).parents[0])
    with lake.change("other", "x") as change:
        change.put("p/lost", b"0")
        change.put("kept", b"0")
        change.adopt("p/", "main")
        change.put("p/a", b"3")
        change.delete("p/b/c")
        change.put("p/d", b"4")
    assert read("other") == {"kept": b"0", "p/a": b"3", "p/d": b"4"}


def test_adopt_of_a_folder_that_is_not_there_clears(lake: Lake, write, read) -> None:
    empty = lake.resolve("main")
    write("main", {"p/a": b"1", "q": b"2"})
    with lake.change("main", "x") as change:
        change.adopt("p/", empty)
    assert read("main") == {"q": b"2"}
    with pytest.raises(NotFound), lake.change("main", "x") as change:
        change.adopt("p/", "nowhere")


def test_adopt_of_nested_folders(lake: Lake, write, read) -> None:
    write("main", {"p/s/a": b"1", "p/t": b"2"})
    first = lake.resolve("main")
    write("main", {"p/s/a": b"3", "p/t": b"4"})
    second = lake.resolve("main")
    lake.create_branch("mixed", first)
    with lake.change("mixed", "x") as change:
        change.adopt("p/", second)
        change.adopt("p/s/", first)
    assert read("mixed") == {"p/s/a": b"1", "p/t": b"4"}
    with lake.change("mixed", "x") as change:
        change.adopt("p/s/", second)
        change.adopt("p/", first)
        change.put("more", b"5")
    assert read("mixed") == {"more": b"5", "p/s/a": b"1", "p/t": b"2"}
