"""Silver made from the last version equals silver made from nothing, byte for byte, and costs less."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from silver_corpus import Row, bronze_row, contents, make_silver, remove

from headwater import tables
from headwater.curate.engine import documents as documents_of_a_build
from headwater.curate.engine import groups, judging, known, state, units
from headwater.fingerprint import digest_text
from headwater.tables import read_rows

WORDS = [f"word{number}" for number in range(19)]
CHAIN: dict[str, Any] = {"steps": ["normalize", {"step": "quality", "min_words": 4}, "pii"]}
DEDUP = {"shingle_words": 2, "permutations": 32, "bands": 8}


def text(topic: int, variant: int) -> str:
    """A text of forty words; variants of a topic are near duplicates, every fifth topic is refused."""
    if topic % 5 == 4:
        return f"word{topic} {variant}"
    words = [f"{WORDS[(topic * 7 + place * place) % len(WORDS)]}{topic}" for place in range(40)]
    words[variant * 3 % 40] += "x" if variant else ""
    return " ".join(words)


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MIN_PART_ROWS", 3)
    monkeypatch.setattr(tables, "MAX_PART_ROWS", 12)
    monkeypatch.setattr(tables, "PART_MASK", 3)
    monkeypatch.setattr(groups, "GROUP_ROWS", 7)
    monkeypatch.setattr(known, "LOOKED_UP_ROWS", 10)
    monkeypatch.setattr(state, "LONGER", 2)
    monkeypatch.setattr(units, "BLOCK_ROWS", 9)
    for picture in ("draw_waterfall", "draw_scores"):  # they take longer than all the rest
        monkeypatch.setattr(f"headwater.curate.engine.report.{picture}", lambda *_: None)


# A corpus is uri number -> (topic, variant); an edit sets or removes one entry.
documents = st.dictionaries(st.integers(0, 40), st.tuples(st.integers(0, 9), st.integers(0, 2)), max_size=40)
edits = st.lists(
    st.tuples(st.integers(0, 40), st.none() | st.tuples(st.integers(0, 9), st.integers(0, 2))), max_size=6
)


def rows_of(corpus: dict[int, tuple[int, int]]) -> list[Row]:
    return [bronze_row(f"{'ab'[uri % 2]}/{uri:02d}", text(*what)) for uri, what in corpus.items()]


@settings(deadline=None, max_examples=15)
@given(corpus=documents, rounds=st.lists(edits, min_size=1, max_size=3))
def test_any_sequence_of_edits_gives_what_a_full_build_gives(
    tmp_path_factory: pytest.TempPathFactory,
    corpus: dict[int, tuple[int, int]],
    rounds: list[list[tuple[int, tuple[int, int] | None]]],
) -> None:
    base = tmp_path_factory.mktemp("edits")
    options: dict[str, Any] = {**CHAIN, "dedup": DEDUP, "source_order": ["b"]}
    last, _ = make_silver(base, rows_of(corpus), **options)
    for changes in rounds:
        for uri, what in changes:
            if what is None:
                corpus.pop(uri, None)
            else:
                corpus[uri] = what
        full, expected = make_silver(base, rows_of(corpus), **options)
        grown, produced = make_silver(base, rows_of(corpus), last, **options)
        assert contents(grown) == contents(full)
        assert produced.tables == expected.tables
        assert produced.refused == expected.refused
        remove(last)
        remove(full)
        last = grown


def test_only_new_and_changed_documents_are_judged(tmp_path: Path) -> None:
    corpus = {number: (number % 9, number // 9) for number in range(40)}
    first, produced = make_silver(tmp_path, rows_of(corpus), **CHAIN)
    assert produced.metrics["documents_judged"] == 40
    _, again = make_silver(tmp_path, rows_of(corpus), first, **CHAIN)
    assert again.metrics["documents_judged"] == 0
    corpus |= {3: (20, 0), 99: (21, 0)}
    del corpus[7]
    _, changed = make_silver(tmp_path, rows_of(corpus), first, **CHAIN)
    assert changed.metrics["documents_judged"] == 2


def test_parts_without_a_change_are_the_files_of_the_last_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = {number: (number * 10, 0) for number in range(60)}
    first, _ = make_silver(tmp_path, rows_of(corpus), **CHAIN)
    encoded: list[int] = []
    write_part = tables.write_part

    def counted(folder: Path, number: int, rows: Any) -> None:
        encoded.append(number)
        write_part(folder, number, rows)

    monkeypatch.setattr("headwater.curate.engine.output.write_part", counted)
    corpus[30] = (999, 0)
    second, _ = make_silver(tmp_path, rows_of(corpus), first, **CHAIN)
    assert encoded == [2], "the part of the changed document"
    assert len(list(second.glob("part-*"))) > 6


def test_the_state_of_neighbours_of_a_change_is_taken_over(tmp_path: Path) -> None:
    corpus = {number: (number * 10, 0) for number in range(90)}
    first, _ = make_silver(tmp_path, rows_of(corpus), **CHAIN)
    corpus[45] = (999, 0)
    second, _ = make_silver(tmp_path, rows_of(corpus), first, **CHAIN)
    before = {path.stat().st_ino for path in (first / "state").glob("part-*")}
    after = {path.name: path.stat().st_ino for path in (second / "state").glob("part-*")}
    assert len(after) == 8
    assert [name for name, file in sorted(after.items()) if file not in before] == ["part-00006.parquet"]


def test_the_file_of_a_part_that_stays_is_shared_and_never_written_to(tmp_path: Path) -> None:
    corpus = {number: (number * 10, 0) for number in range(60)}
    first, _ = make_silver(tmp_path, rows_of(corpus), **CHAIN)
    stood = contents(first)
    for path in first.rglob("*.parquet"):
        path.chmod(0o444)
    corpus |= {30: (999, 0), 31: (3, 1), 61: (4, 0)}
    second, _ = make_silver(tmp_path, rows_of(corpus), first, **CHAIN)
    shared = [path for path in second.glob("part-*") if path.stat().st_nlink == 2]
    assert len(shared) > 3
    assert contents(first) == stood
    full, _ = make_silver(tmp_path, rows_of(corpus), **CHAIN)
    assert contents(second) == contents(full)


def test_what_is_said_of_a_duplicate_is_said_anew_when_another_is_kept(tmp_path: Path) -> None:
    rows = [bronze_row(f"a/{number}", text(0, number % 3)) for number in range(1, 6)]
    first, _ = make_silver(tmp_path, rows, **CHAIN, dedup=DEDUP)
    better = [bronze_row("a/0", text(0, 0) + " and words")]
    for changed in (better + rows, rows[1:], [*rows, bronze_row("b/1", text(0, 0) + " and more words")]):
        for keep in ("best_source", "longest"):
            dedup = {**DEDUP, "keep": keep}
            full, _ = make_silver(tmp_path, changed, **CHAIN, dedup=dedup)
            grown, _ = make_silver(tmp_path, changed, first, **CHAIN, dedup=dedup)
            assert contents(grown) == contents(full)


def test_of_parts_without_a_change_nothing_but_ids_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = {number: (number * 10, 0) for number in range(60)}
    first, _ = make_silver(tmp_path, rows_of(corpus), **CHAIN)
    looked_up: list[Path] = []
    judged: list[int] = []
    without_text, read = known.without_text, judging._read  # pyright: ignore[reportPrivateUsage]

    def looking(path: Path) -> Any:
        looked_up.append(path)
        return without_text(path)

    def reading(job: Any, about: Any, unit: int, rows: Any) -> Any:
        judged.append(unit)
        return read(job, about, unit, rows)

    monkeypatch.setattr(known, "without_text", looking)
    monkeypatch.setattr(judging, "_read", reading)
    make_silver(tmp_path, rows_of(corpus), first, **CHAIN)
    assert (looked_up, judged) == ([], [])
    corpus[30] = (999, 0)
    make_silver(tmp_path, rows_of(corpus), first, **CHAIN)
    assert len(looked_up) == 1
    assert len(judged) == 1


@pytest.mark.parametrize("rows", [1, 1000])
def test_how_many_new_rows_are_judged_at_once_makes_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    corpus = {number: (number % 9, number // 9) for number in range(40)}
    last, _ = make_silver(tmp_path, rows_of(corpus), **CHAIN, dedup=DEDUP)
    corpus |= {number: (number % 7, 2) for number in range(3, 40, 6)}
    grown, _ = make_silver(tmp_path, rows_of(corpus), last, **CHAIN, dedup=DEDUP)
    monkeypatch.setattr(groups, "GROUP_ROWS", rows)
    again, _ = make_silver(tmp_path, rows_of(corpus), last, **CHAIN, dedup=DEDUP)
    assert contents(again) == contents(grown)


def test_another_version_of_unicode_judges_everything_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_of({number: (number, 0) for number in range(20)})
    first, _ = make_silver(tmp_path, rows, **CHAIN)
    monkeypatch.setattr("unicodedata.unidata_version", "99.0.0")
    _, produced = make_silver(tmp_path, rows, first, **CHAIN)
    assert produced.metrics["documents_judged"] == 20


def test_a_duplicate_comes_back_when_the_one_that_was_kept_vanishes(tmp_path: Path) -> None:
    rows = [bronze_row(f"a/{number}", text(number // 2 * 5, number % 2)) for number in range(6)]
    rows[1] = bronze_row("a/1", f"{text(0, 0)}  ask jane@corp.io")
    first, produced = make_silver(tmp_path, rows, **CHAIN, dedup=DEDUP)
    assert produced.rows == 3
    grown, produced = make_silver(tmp_path, rows[1:], first, **CHAIN, dedup=DEDUP)
    assert produced.rows == 3
    assert produced.metrics["documents_judged"] == 0
    assert next(read_rows(grown))["text"].endswith("ask <EMAIL>")
    full, _ = make_silver(tmp_path, rows[1:], **CHAIN, dedup=DEDUP)
    assert contents(grown) == contents(full)


@pytest.mark.parametrize(
    ("changed", "judged"),
    [
        ({"steps": ["normalize", {"step": "quality", "min_words": 5}, "pii"]}, 40),
        (
            {"steps": ["normalize", {"step": "quality", "min_words": 4}, {"step": "pii", "allow": ["a.io"]}]},
            40,
        ),
        ({"steps": ["normalize", {"step": "quality", "min_words": 4}]}, 32),
        ({"steps": [*CHAIN["steps"], {"step": "language", "keep": ["xx"]}]}, 32),
        ({**CHAIN, "dedup": {"threshold": 0.9}}, 0),
        ({**CHAIN, "dedup": {"shingle_words": 3}}, 32),
    ],
    ids=["a step", "what excerpts go through", "a step less", "a step more", "threshold", "shingles"],
)
def test_what_depends_on_a_change_is_judged_again(
    tmp_path: Path, changed: dict[str, Any], judged: int
) -> None:
    rows = rows_of({number: (number % 10, number // 10) for number in range(40)})
    first, _ = make_silver(tmp_path, rows, **CHAIN)
    full, _ = make_silver(tmp_path, rows, **changed)
    grown, produced = make_silver(tmp_path, rows, first, **changed)
    assert contents(grown) == contents(full)
    assert produced.metrics["documents_judged"] == judged


def test_the_state_holds_no_text_and_nothing_of_documents_that_are_gone(tmp_path: Path) -> None:
    rows = [bronze_row(f"a/{number}", text(number // 2, number % 2)) for number in range(8)]
    first, _ = make_silver(tmp_path, rows, **CHAIN, dedup=DEDUP)
    second, _ = make_silver(tmp_path, rows[2:], first, **CHAIN, dedup=DEDUP)
    gone = {digest_text("a/0"), digest_text("a/1")}
    stored = [row for folder in ("state", "state/pairs") for row in read_rows(second / folder)]
    assert stored
    for row in stored:
        assert not gone & {str(value) for value in row.values()}
        assert not any(isinstance(value, str) and len(value) > 64 for value in row.values())


def test_texts_are_kept_of_near_duplicates_alone_and_new_documents_are_compared_with_these(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [bronze_row(f"a/{number}", text(number % 3, number // 3)) for number in range(9)]
    rows.append(bronze_row("a/9", text(1, 0)))
    first, _ = make_silver(tmp_path, rows, **CHAIN, dedup=DEDUP)
    kept = [row["text"] for row in read_rows(first / "state" / "duplicates")]
    assert kept == [row["text"] for row in rows[3:9]]
    again: list[int] = []
    rows.append(bronze_row("b/1", text(1, 1) + " and more"))
    with monkeypatch.context() as patched:
        patched.setattr(documents_of_a_build, "judged_again", lambda *_: again.append(1))
        grown, produced = make_silver(tmp_path, rows, first, **CHAIN, dedup=DEDUP)
    assert produced.refused["near_duplicate"] == 7
    assert not again
    full, _ = make_silver(tmp_path, rows, **CHAIN, dedup=DEDUP)
    assert contents(grown) == contents(full)
    shorter, _ = make_silver(tmp_path, rows[4:], grown, **CHAIN, dedup=DEDUP)
    assert {row["document_id"] for row in read_rows(shorter / "state" / "duplicates")}.isdisjoint(
        row["document_id"] for row in rows[:4]
    )
