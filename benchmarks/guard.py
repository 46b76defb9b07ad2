"""Has curation become slower? Each step beside a fixed computation on the same bytes, in this very run.

    python benchmarks/guard.py            # exit code 1 when a step is slower than guard.json allows
    python benchmarks/guard.py --write    # after a change that is meant to last

The fixed computation is `zlib.compress` at level 1: compiled, on one core, bound by branches and caches as
the steps are, and never touched by us. The ratio of the two speeds in CPU seconds is compared (medians), so
that neither the machine nor what else runs on it decides. The text is made by code, from a seed.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from curation_work import SINGLE
from headwater.curate.dedup import Deduplicate
from headwater.curate.step import REASON, StepSettings
from headwater.curate.steps import make_step
from headwater.fingerprint import digest_text
from headwater.schemas import BRONZE

COMMITTED = Path(__file__).with_name("guard.json")
DOCUMENTS, REPEATS = 600, 5
TOLERATED = 2.0
"""A step may take this many times the committed CPU time: load moves medians by a tenth, another kind of
processor moves them further."""
_FREQUENT = (
    "the",
    "of",
    "and",
    "to",
    "a",
    "in",
    "is",
    "that",
    "it",
    "for",
    "with",
    "have",
    "be",
    "not",
    "but",
)
"""Among them are the stop words that Gopher's rule looks for."""
Work = Callable[[], object]


def main() -> int:
    """Print the table; the exit code says whether every step kept its pace."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="commit to the ratios measured now")
    write = parser.parse_args().write
    batch = made_documents()
    ratios = measured(batch)
    if write:
        COMMITTED.write_text(json.dumps(ratios, indent=2) + "\n", encoding="utf-8")
    committed: dict[str, float] = json.loads(COMMITTED.read_text(encoding="utf-8"))
    print(f"{'work':<12} {'of zlib, now':>12} {'committed':>10} {'least':>7}")
    slower: list[str] = []
    for name, ratio in ratios.items():
        least = committed[name] / TOLERATED
        slower += [name] if ratio < least else []
        told = "  SLOWER" if ratio < least else ""
        print(f"{name:<12} {ratio:12.2f} {committed[name]:10.2f} {least:7.2f}{told}")
    if slower:
        print(f"slower than committed: {', '.join(slower)}; if that is meant, run with --write and say why")
    return bool(slower)


def measured(batch: pa.RecordBatch) -> dict[str, float]:
    """Speed of each work as a multiple of zlib's, of runs that alternate with it."""
    texts = "".join(batch.column("text").to_pylist()).encode()
    works: dict[str, Work] = {
        name: _through([make_step(one) for one in steps], batch) for name, steps in SINGLE.items()
    }
    sketching = Deduplicate()
    works["sketch"] = lambda: sketching.sketch(batch)
    for work in works.values():
        work()
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(REPEATS):
        for name, work in works.items():
            seconds[name].append(_cpu(lambda: zlib.compress(texts, 1)) / _cpu(work))
    return {name: round(statistics.median(found), 3) for name, found in seconds.items()}


def made_documents() -> pa.RecordBatch:
    """Prose-like text of made-up words with Zipf's frequencies, with names, numbers, e-mail and accents."""
    draw = random.Random(1)
    syllables = [
        first + vowel + last for first in "bdfglmnprst" for vowel in "aeiouéö" for last in ("", "n", "r", "s")
    ]
    words = ["".join(draw.choices(syllables, k=draw.randint(1, 4))) for _ in range(8000)]
    words[: len(_FREQUENT)] = _FREQUENT
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    texts: list[str] = []
    for number in range(DOCUMENTS):
        paragraphs: list[str] = []
        for _ in range(draw.randint(3, 30)):
            sentences = [
                " ".join(draw.choices(words, weights, k=draw.randint(4, 30)))
                for _ in range(draw.randint(1, 7))
            ]
            paragraphs.append(" ".join(f"{sentence.capitalize()}." for sentence in sentences))
        name = words[100 + number]
        paragraphs.append(
            f"Write to {name}@example.org or call +49 30 {number:07d} from 192.0.2.{number % 250}."
        )
        texts.append("\n\n".join(paragraphs))
    rows = [
        {
            **dict.fromkeys(BRONZE.arrow.names, ""),
            "document_id": digest_text(str(number)),
            "uri": str(number),
            "source": "made",
            "start": 0,
            "end": len(text),
            "text": text,
            "text_digest": digest_text(text),
            "attributes": "{}",
        }
        for number, text in enumerate(texts)
    ]
    return pa.RecordBatch.from_pylist(rows, BRONZE.arrow)


def _through(steps: list[StepSettings], batch: pa.RecordBatch) -> Work:
    def work() -> None:
        found = batch
        for step in steps:
            found = step(found)
            if REASON in found.schema.names:
                found = found.drop_columns([REASON, "refused_detail"])

    return work


def _cpu(work: Work) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


if __name__ == "__main__":
    sys.exit(main())
