from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.fingerprint import digest_file
from headwater.tables import (
    MAX_PART_ROWS,
    PartWriter,
    boundaries,
    count_rows,
    link_or_copy,
    parts,
    read_json,
    read_rows,
    write_batches,
    write_json,
    write_rows,
    write_table,
)

SCHEMA = pa.schema([pa.field("key", pa.string()), pa.field("value", pa.int64())])


def rows(count: int) -> list[dict[str, object]]:
    return [{"key": f"row-{number}", "value": number} for number in range(count)]


def digests(folder: Path) -> list[str]:
    return [digest_file(path) for path in parts(folder)]


def count_rows_of(path: Path) -> int:
    return pq.read_metadata(path).num_rows


def test_rows_come_back_in_order_and_bytes_repeat(tmp_path: Path) -> None:
    assert write_rows(tmp_path / "a", iter(rows(5000)), SCHEMA, key="key") == 5000
    write_rows(tmp_path / "b", rows(5000), SCHEMA, key="key")
    assert list(read_rows(tmp_path / "a")) == rows(5000)
    assert count_rows(tmp_path / "a") == 5000
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_one_inserted_row_changes_few_parts(tmp_path: Path) -> None:
    before = rows(40_000)
    after = [*before[:7], {"key": "new", "value": -1}, *before[7:]]
    write_rows(tmp_path / "before", before, SCHEMA, key="key")
    write_rows(tmp_path / "after", after, SCHEMA, key="key")
    old, new = set(digests(tmp_path / "before")), digests(tmp_path / "after")
    assert len(new) > 10
    assert sum(digest not in old for digest in new) <= 2


def test_keys_without_a_boundary_still_end_a_part(tmp_path: Path) -> None:
    same = [{"key": "always the same", "value": number} for number in range(MAX_PART_ROWS * 2 + 1)]
    write_rows(tmp_path, same, SCHEMA, key="key")
    assert count_rows(tmp_path) == len(same)
    assert len(parts(tmp_path)) >= 3


def test_long_texts_end_a_part_wherever_batches_end(tmp_path: Path) -> None:
    text = pa.schema([pa.field("key", pa.string()), pa.field("text", pa.string())])
    long = [{"key": f"row-{number}", "text": str(number % 10) * 5_000_000} for number in range(20)]
    write_rows(tmp_path / "rows", long, text, key="key")
    one_by_one = (pa.RecordBatch.from_pylist([row], schema=text) for row in long)
    write_batches(tmp_path / "batches", one_by_one, text, key="key")
    assert [count_rows_of(path) for path in parts(tmp_path / "rows")] == [7, 7, 6]
    assert digests(tmp_path / "rows") == digests(tmp_path / "batches")


def test_an_empty_dataset_keeps_its_schema(tmp_path: Path) -> None:
    assert write_rows(tmp_path, [], SCHEMA, key="key") == 0
    assert list(read_rows(tmp_path)) == []
    assert pq.read_schema(parts(tmp_path)[0]).names == ["key", "value"]


def test_equal_rows_are_equal_bytes_whatever_memory_they_stand_in(tmp_path: Path) -> None:
    schema = pa.schema([pa.field("key", pa.string()), pa.field("text", pa.string())])
    texts = [None if number % 7 == 0 else f"{number} " * 9 for number in range(40)]
    plain = pa.table({"key": [f"row-{number}" for number in range(40)], "text": texts}, schema=schema)
    around = pa.concat_tables([plain.slice(3, 2), plain.slice(0, 11), plain.slice(11)])
    # Arrow lets a null have bytes: those are no part of the rows.
    validity, offsets, data = pa.array(
        ["hidden" * 2000 if text is None else text for text in texts]
    ).buffers()
    validity = pa.array([text is not None for text in texts]).buffers()[1]
    hiding = pa.StringArray.from_buffers(40, offsets, data, validity)
    for name, rows in (
        ("plain", plain),
        ("slice of others", around.slice(2)),
        ("bytes under nulls", plain.set_column(1, schema.field("text"), hiding)),
    ):
        assert rows.equals(plain)
        write_table(tmp_path / name / "part-00000.parquet", rows)
    assert len({digest for name in tmp_path.iterdir() for digest in digests(name)}) == 1


def test_long_columns_are_compressed_and_short_ones_are_not(tmp_path: Path) -> None:
    table = pa.table({"text": ["all the same words " * 30] * 20, "kind": ["page"] * 20, "number": range(20)})
    write_table(tmp_path / "rows.parquet", table)
    columns = pq.read_metadata(tmp_path / "rows.parquet").row_group(0)
    assert [columns.column(number).compression for number in range(3)] == ["ZSTD"] + ["UNCOMPRESSED"] * 2
    assert pq.read_table(tmp_path / "rows.parquet").equals(table)


def test_a_folder_without_parts_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no dataset"):
        parts(tmp_path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50)
@given(value=JSON)
def test_json_round_trips(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    try:
        repr(value).encode()
    except UnicodeEncodeError:
        return
    path = tmp_path_factory.mktemp("json") / "value.json"
    write_json(path, value)
    assert read_json(path) == value


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_a_file_taken_over_is_not_changed_by_what_is_written_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    write_rows(tmp_path / "before", rows(300), SCHEMA, key="key")
    before = digests(tmp_path / "before")
    if not links:
        monkeypatch.setattr(os, "link", _without_links)
    after = tmp_path / "after"
    after.mkdir()
    for _ in range(2):
        for path in parts(tmp_path / "before"):
            link_or_copy(path, after / path.name)
            assert (path.stat().st_nlink == 2) == links
    assert digests(after) == before
    write_rows(after, rows(10), SCHEMA, key="key")
    assert digests(tmp_path / "before") == before
    with pytest.raises(FileNotFoundError):
        link_or_copy(tmp_path / "absent", after / "absent")


def _without_links(origin: Path, target: Path) -> None:
    if not origin.exists():
        raise FileNotFoundError(origin)
    raise OSError(errno.EXDEV, "another device")


def test_longer_parts_end_at_boundaries_that_are_as_much_rarer(tmp_path: Path) -> None:
    write_rows(tmp_path / "short", rows(40_000), SCHEMA, key="key")
    writer = PartWriter(tmp_path / "long", SCHEMA, key="key", longer=16)
    writer.add(pa.RecordBatch.from_pylist(rows(40_000), schema=SCHEMA))
    assert writer.close() == 40_000
    short, long = ([count_rows_of(path) for path in parts(tmp_path / name)] for name in ("short", "long"))
    assert (len(short), len(long)) == (63, 5)
    keys = pa.array([row["key"] for row in rows(40_000)])
    usual, rare = boundaries(keys), boundaries(keys, 16)
    ends = [end - 1 for end in accumulate(long)][:-1]
    assert rare[ends].all()
    assert not (rare & ~usual).any()
    assert list(read_rows(tmp_path / "long")) == rows(40_000)


def test_parts_written_beside_are_the_same_and_their_errors_are_raised(tmp_path: Path) -> None:
    write_rows(tmp_path / "alone", rows(5000), SCHEMA, key="key")
    batch = pa.RecordBatch.from_pylist(rows(5000), schema=SCHEMA)
    with ThreadPoolExecutor(1) as thread:
        writer = PartWriter(tmp_path / "beside", SCHEMA, key="key", beside=thread)
        writer.add(batch)
        assert writer.close() == 5000
        assert digests(tmp_path / "beside") == digests(tmp_path / "alone")
        writer = PartWriter(tmp_path / "full", SCHEMA, key="key", beside=thread)
        (tmp_path / "full" / "part-00000.parquet").mkdir()
        with pytest.raises(IsADirectoryError):
            writer.add(batch)
