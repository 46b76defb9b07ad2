"""A dataset of documents, and versions of it in which one in a hundred documents has another text.

Texts are words drawn by Zipf's law from an invented vocabulary: they compress about as real prose does, and
anybody can make them. A document's text depends on its number and version alone.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from headwater.fingerprint import digest_text
from headwater.tables import write_rows

SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("document_id", "uri", "title", "text", "language")),
        pa.field("words", pa.int64()),
    ]
)
SECTIONS = {"one section": 1, "five sections": 5, "ten sections": 10}
"""How many runs of neighbouring documents the changed ones form."""
_SEED = 20260101
_VOCABULARY = 20_000
_MEDIAN_WORDS = 200


def write_versions(folder: Path, documents: int) -> None:
    """Write `base` and one changed dataset for each of `changes`, as folders of Parquet parts."""
    base = list(_rows(range(documents), 0))
    write_rows(folder / "base", base, SCHEMA, key="document_id")
    for name, numbers in changes(documents).items():
        changed = dict(zip(sorted(numbers), _rows(sorted(numbers), 1), strict=True))
        rows = (changed.get(number, row) for number, row in enumerate(base))
        write_rows(folder / name.replace(" ", "-"), rows, SCHEMA, key="document_id")


def changes(documents: int) -> dict[str, frozenset[int]]:
    """Which documents change, by the name of the pattern: one in a hundred each time."""
    chooser = random.Random(_SEED)
    total = documents // 100
    patterns = {name: _runs(documents, total, count, chooser) for name, count in SECTIONS.items()}
    patterns["scattered"] = frozenset(chooser.sample(range(documents), total))
    return patterns


def _runs(documents: int, total: int, count: int, chooser: random.Random) -> frozenset[int]:
    length = total // count
    starts = chooser.sample(range(0, documents - length, length), count)
    return frozenset(start + offset for start in starts for offset in range(length))


def _rows(numbers: Collection[int], version: int) -> Iterator[dict[str, object]]:
    words = np.array(_vocabulary())
    shares = np.cumsum(1 / (np.arange(_VOCABULARY) + 2.7))
    shares /= shares[-1]
    for number in numbers:
        chance = np.random.default_rng((_SEED, number, version))
        count = 10 + int(chance.lognormal(np.log(_MEDIAN_WORDS), 0.7))
        drawn = words[np.searchsorted(shares, chance.random(count))].tolist()
        yield {
            "document_id": digest_text(str(number)),
            "uri": f"site/section-{number // 500:04d}/page-{number:06d}.html",
            "title": " ".join(drawn[:5]).capitalize(),
            "text": ". ".join(" ".join(drawn[begin : begin + 14]) for begin in range(0, count, 14)),
            "language": "en",
            "words": count,
        }


def _vocabulary() -> list[str]:
    chooser = random.Random(_SEED)
    letters = "etaoinshrdlucmfwypvbgkqjxz"
    weights = range(len(letters), 0, -1)
    found: dict[str, None] = {}
    while len(found) < _VOCABULARY:
        found["".join(chooser.choices(letters, weights, k=chooser.randint(2, 10)))] = None
    return list(found)
