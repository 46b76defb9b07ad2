"""Hostile corpora: what is counted is comparisons, which do not depend on the machine."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from headwater.curate.dedup import Deduplicate
from headwater.curate.dedup.find import Duplicates, find_duplicates
from headwater.curate.dedup.known import KnownPairs
from headwater.curate.dedup.sketch import sketch_schema

SMALL = Deduplicate(permutations=16, bands=4)


def sketches(contents: np.ndarray, signatures: np.ndarray, batch: int = 20_000) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(contents), batch):
        some = contents[start : start + batch]
        rows = np.ascontiguousarray(signatures[start : start + batch])
        count = len(some)
        yield pa.RecordBatch.from_arrays(
            [
                pa.Array.from_buffers(pa.binary(16), count, [None, pa.py_buffer(some.tobytes())]),
                pa.Array.from_buffers(pa.binary(64), count, [None, pa.py_buffer(rows.tobytes())]),
                pa.array(np.zeros(count, np.uint64)),
                pa.array(np.ones(count, np.int64)),
                pa.nulls(count, pa.int64()),
            ],
            schema=sketch_schema(SMALL.permutations),
        )


def find(scratch: Path, contents: np.ndarray, signatures: np.ndarray) -> Duplicates:
    batches = list(sketches(contents, signatures))

    def none_needed(numbers: np.ndarray) -> Iterator[tuple[int, str]]:
        raise AssertionError(f"{len(numbers)} texts were asked for")

    return find_duplicates(
        SMALL,
        batches,
        [np.zeros(len(batch), np.int64) for batch in batches],
        texts=none_needed,
        known=KnownPairs.none(),
        scratch=scratch,
    )


def test_identical_documents_are_never_compared(tmp_path: Path) -> None:
    count = 300_000
    found = find(tmp_path, np.zeros((count, 2), np.uint64), np.ones((count, 16), np.uint32))
    assert len(found) == count - 1
    assert (found.estimated, found.compared) == (0, 0)


@pytest.mark.parametrize("count", [2_000, 20_000])
def test_a_band_that_everyone_shares_costs_linearly(tmp_path: Path, count: int) -> None:
    chance = np.random.default_rng(1)
    signatures = chance.integers(0, 2**32, (count, 16), dtype=np.uint32)
    signatures[:, :4] = 7
    found = find(tmp_path, chance.integers(0, 2**63, (count, 2), dtype=np.uint64), signatures)
    assert len(found) == 0
    assert found.estimated <= SMALL.max_compared * count


def test_memory_for_each_document_is_bounded(tmp_path: Path) -> None:
    count = 400_000
    chance = np.random.default_rng(2)
    contents = chance.integers(0, 2**63, (count, 2), dtype=np.uint64)
    signatures = chance.integers(0, 2**32, (count, 16), dtype=np.uint32)
    settings = Deduplicate(permutations=16, bands=4)
    tracemalloc.start()
    find_duplicates(
        settings,
        sketches(contents, signatures),
        (np.zeros(min(20_000, count - start), np.int64) for start in range(0, count, 20_000)),
        texts=lambda numbers: iter(()),
        known=KnownPairs.none(),
        scratch=tmp_path,
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak / count < 100


@pytest.mark.parametrize(("kind", "dropped"), [("numbered", 2_999), ("crowded", 0), ("pairs", 1_500)])
def test_many_alike_documents(find: Callable[..., Duplicates], kind: str, dropped: int) -> None:
    chance = random.Random(5)
    count = 3_000
    words = [f"word{index}" for index in range(2_000)]
    base = " ".join(chance.choices(words, k=40))
    ends = [" ".join(chance.choices(words, k=25)) for _ in range(count)]
    texts = {
        "numbered": [f"{base} number {index}" for index in range(count)],
        "crowded": [f"{base} {end}" for end in ends],
        "pairs": [f"{base} {ends[index // 2]} {'x' * (index % 2)}" for index in range(count)],
    }[kind]
    found = find(texts, batch=500)
    assert len(found) >= 0.98 * dropped
    assert len(found) <= dropped
    settings = Deduplicate()
    assert found.estimated <= settings.max_compared * settings.bands * count
    assert found.compared <= settings.max_compared * count
