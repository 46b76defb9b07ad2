from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.curate.dedup import RemoveRepeated
from headwater.curate.dedup.find_repeated import find_repeated
from headwater.curate.dedup.repeated_table import RepeatedTable
from headwater.curate.step import DETAIL, REASON


def remove(
    scratch: Path,
    texts: Sequence[str],
    sources: Sequence[str] | None = None,
    *,
    batch: int = 3,
    **fields: object,
) -> pa.Table:
    step = RemoveRepeated.model_validate(fields)
    whole = pa.RecordBatch.from_pydict(
        {"text": pa.array(texts, pa.string()), "source": pa.array(sources or ["s"] * len(texts), pa.string())}
    )
    starts = range(0, len(texts), batch)
    parts = [whole.slice(start, batch) for start in starts]

    def documents(numbers: np.ndarray) -> Iterator[pa.RecordBatch]:
        assert numbers.tolist() == sorted(numbers.tolist())
        yield whole.take(pa.array(numbers))

    table = find_repeated(step, map(step.observe, parts), documents=documents, scratch=scratch)
    assert not list(scratch.iterdir())
    numbers = np.arange(len(texts))
    applied = [
        step.apply(part, numbers[at : at + batch], table) for at, part in zip(starts, parts, strict=True)
    ]
    return pa.Table.from_batches(applied) if applied else pa.table({"text": []})


def left(scratch: Path, texts: Sequence[str], *arguments: object, **fields: object) -> list[str]:
    return remove(scratch, texts, *arguments, **fields)["text"].to_pylist()


def test_boilerplate_lines_of_one_source_go_everywhere(tmp_path: Path) -> None:
    footer = "Copyright the project and its authors."
    texts = [f"Chapter {n} tells something of its own, number {n}.\n\n  {footer}\n" for n in range(4)]
    texts += [f"Another site quotes:\n{footer}"]
    rule = {"unit": "line", "documents": 4, "within": "source", "keep": "none"}
    found = remove(tmp_path, texts, ["a"] * 4 + ["b"], **rule)
    assert found["text"].to_pylist() == [
        *(f"Chapter {n} tells something of its own, number {n}." for n in range(4)),
        texts[4],
    ]
    assert found["repeated_bytes"].to_pylist()[4] == 0
    assert left(tmp_path, texts[:3], **rule) == texts[:3]
    assert footer not in "".join(left(tmp_path, texts, **{**rule, "within": "corpus"}))


def test_paragraphs_stay_in_the_first_document(tmp_path: Path) -> None:
    shared = "A licence that every file repeats,\nover two lines."
    texts = [
        f"First of all.\n\n{shared}\n\nEnd one.",
        f"{shared}\n \nThe second document.",
        f"Third. {shared}",
    ]
    assert left(tmp_path, texts, unit="paragraph") == [texts[0], "The second document.", texts[2]]


def test_three_sentences_in_a_row_count_and_two_do_not(tmp_path: Path) -> None:
    run = "One is here. Two is here! Is three here?"
    texts = [f"Begin. {run} End of it.", f"{run} Other words.", "One is here. Two is here! Something else."]
    found = left(tmp_path, texts, unit="sentence", span=3)
    assert found == [texts[0], "Other words.", texts[2]]
    wide = ["これは一つ。二つ目の文。三つ目の文。", "前。これは一つ。二つ目の文。三つ目の文。後の文。"]
    assert left(tmp_path, wide, unit="sentence", span=3) == [wide[0], "前。後の文。"]


def test_substrings_are_cut_out_of_running_text(tmp_path: Path) -> None:
    quoted = " ".join(f"q{n}" for n in range(60))
    texts = [
        f"alpha beta {quoted} gamma",
        f"delta {quoted.upper().replace(' ', ', ')}; epsilon",
        quoted[:100],
    ]
    assert left(tmp_path, texts, unit="word", span=50) == [texts[0], "delta epsilon", texts[2]]


def test_what_is_all_repeated_is_refused_with_its_text(tmp_path: Path) -> None:
    row = remove(tmp_path, ["the same few words", "the same few words"]).to_pylist()[1]
    assert row["text"] == "the same few words"
    assert row[REASON] == "repeated_text"
    assert row[DETAIL] == "all 18 bytes stand in other documents"


def test_short_lines_stay(tmp_path: Path) -> None:
    texts = ["See also\nfirst text of all", "See also\nsecond text of all"]
    assert left(tmp_path, texts) == texts
    assert left(tmp_path, texts, min_words=2) == [texts[0], "second text of all"]


def test_a_table_can_be_kept(tmp_path: Path) -> None:
    hashes = np.array([1, 1 << 50, 2**64 - 1], dtype=np.uint64)
    table = RepeatedTable.of(hashes, np.array([3, 1, 2], dtype=np.int32), hashes)
    table.save(tmp_path / "table")
    again = RepeatedTable.load(tmp_path / "table")
    for name in ("hashes", "first", "checks", "index"):
        assert np.array_equal(getattr(again, name), getattr(table, name))


def test_bad_parameters_are_errors() -> None:
    with pytest.raises(ValueError, match="unit"):
        RemoveRepeated.model_validate({"unit": "page"})
    with pytest.raises(ValueError, match="documents"):
        RemoveRepeated(documents=1)


def by_hand(texts: list[str], span: int, documents: int, keep: str) -> list[str]:
    """The rule for lines of one word each, written plainly."""
    lines = [text.split("\n") for text in texts]
    runs = [
        [tuple(one.casefold() for one in doc[at : at + span]) for at in range(len(doc) - span + 1)]
        for doc in lines
    ]
    owners: dict[tuple[str, ...], list[int]] = {}
    for number, found in enumerate(runs):
        for run in dict.fromkeys(found):
            owners.setdefault(run, []).append(number)
    out: list[str] = []
    for number, (doc, found) in enumerate(zip(lines, runs, strict=True)):
        gone: set[int] = set()
        for at, run in enumerate(found):
            if len(owners[run]) >= documents and (keep == "none" or owners[run][0] != number):
                gone.update(range(at, at + span))
        out.append(
            "\n".join(line for at, line in enumerate(doc) if at not in gone)
            if len(gone) < len(doc)
            else "\n".join(doc)
        )
    return out


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.lists(st.sampled_from(["a", "B", "b", "é", "中"]), min_size=1, max_size=8).map("\n".join),
        max_size=9,
    ),
    st.integers(1, 3),
    st.integers(2, 3),
    st.sampled_from(["first", "none"]),
    st.integers(1, 9),
)
def test_the_rule_is_followed_whatever_the_batches(
    tmp_path: Path, texts: list[str], span: int, documents: int, keep: str, batch: int
) -> None:
    found = left(tmp_path, texts, batch=batch, span=span, documents=documents, keep=keep, min_words=1)
    assert found == by_hand(texts, span, documents, keep)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.text(st.sampled_from("ab .!?\n\t\r\0é中。！\u0301"), max_size=40), max_size=5),
    st.sampled_from(["word", "sentence", "line", "paragraph"]),
)
def test_units_tile_any_text(tmp_path: Path, texts: list[str], unit: str) -> None:
    fresh = [f"{text}{'xyz'[at % 3] * (at + 1)}" for at, text in enumerate(texts)]
    for before, after in zip(fresh, left(tmp_path, fresh, unit=unit, min_words=1), strict=True):
        assert not re.sub(r"\s", "", after) or _is_subsequence(after, before)


def _is_subsequence(part: str, whole: str) -> bool:
    rest = iter(whole)
    return all(character in rest for character in part)


def test_a_long_line_without_spaces_is_no_trouble(tmp_path: Path) -> None:
    texts = ["x" * 2_000_000, "中" * 200_000, " " * 100_000 + "\n" * 100_000, "...", ""]
    assert left(tmp_path, texts, unit="word", span=50) == texts
    assert left(tmp_path, texts, unit="paragraph") == texts
