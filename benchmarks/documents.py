"""A corpus with known duplicates: real documentation from installed packages, copies planted among it.

    python benchmarks/documents.py FOLDER [--megabytes 40]

writes `corpus.parquet` (id, text, source) and `truth.parquet` (left, right, similarity: every pair of
documents whose word 5-grams have a Jaccard similarity of at least 0.7, found by an exact set-similarity join,
natural duplicates included). Any Parquet file with these columns can take its place.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from headwater.curate import BronzeMaker, RawMaker
from headwater.sources import InstalledPackage
from headwater.tables import read_rows
from headwater.workspace import Workspace

SEED = 20260101
THRESHOLD = 0.7
COPIES = 0.05
SHINGLE_WORDS = 5
_WORD = re.compile(r"\w+")
_SOURCES = (
    (
        "operations",
        "botocore",
        "data",
        ("*/*/service-2.json", "*/*/service-2.json.gz"),
        "botocore_operations",
    ),
    ("examples", "awscli", "examples", ("*/*.rst", "*/*/*.rst"), "awscli_examples"),
)


def main() -> None:
    """Build the corpus that the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--megabytes", type=float, default=40.0, help="of text, before the copies")
    options = parser.parse_args()
    build(options.folder, options.megabytes)


def build(folder: Path, megabytes: float) -> None:
    """Write the corpus and its truth below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = list(_within(_documents(), megabytes * 1e6))
    chooser = random.Random(SEED)
    rows += list(_copies(rows, chooser))
    chooser.shuffle(rows)
    table = pa.table(
        {
            "id": [f"d{number:07d}" for number in range(len(rows))],
            "text": [text for _, text in rows],
            "source": [source for source, _ in rows],
        }
    )
    pq.write_table(table, folder / "corpus.parquet", compression="zstd")
    pairs = list(similar_pairs([text for _, text in rows], THRESHOLD))
    names = table["id"].to_pylist()
    truth = pa.table(
        {
            "left": pa.array([names[left] for left, _, _ in pairs], pa.string()),
            "right": pa.array([names[right] for _, right, _ in pairs], pa.string()),
            "similarity": pa.array([similarity for _, _, similarity in pairs], pa.float64()),
        }
    )
    pq.write_table(truth, folder / "truth.parquet", compression="zstd")
    size = sum(len(text.encode()) for _, text in rows) / 1e6
    print(f"{len(rows):,} documents, {size:.1f} MB, {len(pairs):,} pairs of similarity >= {THRESHOLD}")


def similar_pairs(texts: Sequence[str], threshold: float) -> Iterator[tuple[int, int, float]]:
    """Every pair at or over `threshold`, by prefix filtering (Chaudhuri et al., ICDE 2006), verified.

    Two sets that share enough must share one of their rarest elements; only those pairs are compared.
    """
    sets = [_shingles(text) for text in texts]
    frequency = Counter(shingle for one in sets for shingle in one)
    postings: dict[int, list[int]] = defaultdict(list)
    for number, one in enumerate(sets):
        rarest = sorted(one, key=lambda shingle: (frequency[shingle], shingle))
        candidates: set[int] = set()
        for shingle in rarest[: len(one) - ceil(threshold * len(one)) + 1]:
            if frequency[shingle] > 1:
                candidates.update(postings[shingle])
                postings[shingle].append(number)
        for other in sorted(candidates):
            smaller, larger = sorted((len(one), len(sets[other])))
            if smaller < threshold * larger:
                continue
            common = len(one & sets[other])
            similarity = common / (len(one) + len(sets[other]) - common)
            if similarity >= threshold:
                yield other, number, similarity


def _shingles(text: str) -> frozenset[int]:
    words = _WORD.findall(text.lower())
    width = min(SHINGLE_WORDS, len(words))
    return frozenset(
        xxhash.xxh3_64_intdigest(" ".join(words[begin : begin + width]).encode())
        for begin in range(len(words) - width + 1)
    )


def _documents() -> Iterator[tuple[str, str]]:
    sources = tuple(
        InstalledPackage(
            name=name,
            kind="package",
            package=package,
            folder=folder,
            include=include,
            latest=True,
            reader=reader,
        )  # pyright: ignore[reportArgumentType]
        for name, package, folder, include, reader in _SOURCES
    )
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        for name in ("raw", "bronze"):
            (root / name).mkdir()
        RawMaker(sources=sources)(_workspace(root / "raw", root))
        BronzeMaker.of(sources)(_workspace(root / "bronze", root, raw=root / "raw"))
        for row in read_rows(root / "bronze", ["source", "text"]):
            yield row["source"], row["text"]


def _workspace(out: Path, root: Path, **inputs: Path) -> Workspace:
    def silent(_what: str, _done: int, _total: int) -> None:
        return None

    return Workspace(out, inputs, None, root / "cache", root / "scratch", silent)


def _within(rows: Iterable[tuple[str, str]], limit: float) -> Iterator[tuple[str, str]]:
    total = 0
    for source, text in rows:
        total += len(text.encode())
        if total > limit:
            return
        yield source, text


def _copies(rows: Sequence[tuple[str, str]], chooser: random.Random) -> Iterator[tuple[str, str]]:
    """Exact copies, and copies with a few words replaced, dropped or added, or a block put before them."""
    long = [number for number, (_, text) in enumerate(rows) if len(text.split()) >= 60]
    chooser.shuffle(long)
    count = int(len(rows) * COPIES)
    vocabulary = sorted({word for _, text in rows[:2000] for word in text.split()[:50] if word.isalpha()})
    for number in long[:count]:
        yield rows[number]
    for number in long[count : 2 * count]:
        source, text = rows[number]
        yield source, _edited(text, vocabulary, chooser)


def _edited(text: str, vocabulary: Sequence[str], chooser: random.Random) -> str:
    share = chooser.choice((0.01, 0.02, 0.03, 0.04))
    parts = re.split(r"(\s+)", text)
    words = [place for place in range(0, len(parts), 2) if parts[place]]
    count = max(1, round(len(words) * share))
    if chooser.random() < 0.3:
        return "Mirror copy: " + " ".join(chooser.choices(vocabulary, k=count * 2)) + "\n" + text
    for place in chooser.sample(words, count):
        parts[place] = chooser.choice(
            (chooser.choice(vocabulary), "", f"{parts[place]} {chooser.choice(vocabulary)}")
        )
    return "".join(parts)


if __name__ == "__main__":
    main()
