from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from small_corpus import digest

from headwater.index.vector_cache import VectorCache


def vectors(rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, 8)).astype(np.float32)


def test_gathers_in_the_order_asked_and_over_segments(tmp_path: Path):
    cache = VectorCache(tmp_path, 8)
    names = [digest(str(number)) for number in range(6)]
    stored = vectors(6)
    cache.add(names[:4], stored[:4])
    cache.add(names[4:], stored[4:])
    assert names[0] not in cache
    cache.refresh()
    asked = [5, 0, 3, 3]
    assert np.array_equal(cache.gather([names[index] for index in asked]), stored[asked])
    assert np.array_equal(VectorCache(tmp_path, 8).gather(names), stored)


def test_unknown_text_is_a_key_error(tmp_path: Path):
    with pytest.raises(KeyError):
        VectorCache(tmp_path, 8).gather([digest("nothing")])


def test_two_builds_that_add_the_same_share_one_segment(tmp_path: Path):
    for _ in range(2):
        VectorCache(tmp_path, 8).add([digest("a")], vectors(1))
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
def test_a_damaged_segment_is_removed_and_its_texts_are_missing(tmp_path: Path, damage: str):
    cache = VectorCache(tmp_path, 8)
    cache.add([digest("a")], vectors(1))
    cache.add([digest("b")], vectors(1, seed=1))
    broken = sorted(tmp_path.glob("*.arrow"))[0]
    data = bytearray(broken.read_bytes())
    data[-200] ^= 1
    broken.write_bytes({"cut": bytes(data[:-50]), "flip": bytes(data), "empty": b""}[damage])
    reopened = VectorCache(tmp_path, 8)
    assert sum(digest(name) in reopened for name in "ab") == 1
    assert not broken.exists()


def test_it_may_be_deleted_while_a_build_uses_it(tmp_path: Path):
    cache = VectorCache(tmp_path / "cache", 8)
    cache.add([digest("a")], vectors(1))
    cache.refresh()
    shutil.rmtree(tmp_path / "cache")
    assert np.array_equal(cache.gather([digest("a")]), vectors(1))
    cache.add([digest("b")], vectors(1, seed=1))
    cache.refresh()
    assert digest("b") in cache


def test_what_a_killed_writer_left_is_removed_after_an_hour(tmp_path: Path):
    old, young = tmp_path / "old.partial", tmp_path / "young.partial"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    VectorCache(tmp_path, 8)
    assert not old.exists()
    assert young.exists()
