"""Precision, recall and speed of the step that finds personal data.

    python benchmarks/pii.py                          labelled texts: per kind counts, precision and recall
    python benchmarks/pii.py --corpus FILE.parquet    also the speed on the column `text` of real documents
    python benchmarks/pii.py --hostile 20             also the speed on 20 MB of one sign

Seeds are explicit. Speed is text MB per CPU second of this process, the median of `--repeat` runs over
batches of 1,024 documents, kernels compiled before.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.setdefault("POLARS_MAX_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent.parent / "assets_tests" / "support"))

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pii_samples import samples

from headwater.curate.pii import KINDS, Kind, Redact

BATCH_ROWS = 1024
BASIC: tuple[Kind, ...] = ("email", "ip", "phone")
HOSTILE = ("@", "7", ".", "1.", "1:", "a@b.c ", "12 ", "tel 12345678 ")


def main() -> None:
    """Print the tables that the arguments ask for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=12_000)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--hostile", type=int, default=0, metavar="MB")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--show", action="store_true", help="print what was decided wrongly")
    given = parser.parse_args()
    quality(given.seed, given.count, given.show)
    if given.corpus:
        speed(given.corpus, given.repeat)
    if given.hostile:
        hostile(given.hostile)


def quality(seed: int, count: int, show: bool) -> None:
    """Compare findings with the labels: right is what has the same kind, start and end."""
    right: Counter[str] = Counter()
    found: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    step = Redact()
    for sample in samples(seed, count):
        findings = [(one.kind, sample.text[one.start : one.end]) for one in step.find(sample.text)]
        label = [(sample.kind, sample.value)] if sample.kind else []
        found.update(kind for kind, _ in findings)
        wanted.update(kind for kind, _ in label)
        right.update(kind for kind, value in findings if (kind, value) in label)
        if show and findings != label:
            print(f"  wrong: labelled {label}, found {findings}, in {sample.text!r}")
    print(f"{count} texts, seed {seed}")
    print(f"{'kind':12} {'labelled':>9} {'found':>7} {'right':>7} {'precision':>10} {'recall':>8}")
    for kind in (*(kind for kind in KINDS if wanted[kind]), "all"):
        one = [counts.total() if kind == "all" else counts[kind] for counts in (wanted, found, right)]
        print(f"{kind:12} {one[0]:9} {one[1]:7} {one[2]:7} {one[2] / one[1]:10.4f} {one[2] / one[0]:8.4f}")


def speed(corpus: Path, repeat: int) -> None:
    """Time the step's call on real documents."""
    pa.set_cpu_count(1)
    batches = _batches(pq.read_table(corpus, columns=["text"])["text"].combine_chunks())
    size = sum(pc.sum(pc.binary_length(batch.column("text"))).as_py() for batch in batches) / 1e6
    for name, step in (("e-mail, IP, phone", Redact(kinds=BASIC)), ("all kinds", Redact())):
        seconds = _seconds(lambda step=step: [step(batch) for batch in batches], repeat)
        print(f"{name}: {size:.1f} MB, {size / seconds:.0f} MB per CPU second")


def hostile(size: int) -> None:
    """Time texts of one repeated sign, at half and at full size."""
    step = Redact()
    for unit in HOSTILE:
        halves = []
        for megabytes in (size / 2, size):
            batch = _batches(pa.array([unit * int(megabytes * 1e6 / len(unit))]))[0]
            halves.append(_seconds(lambda batch=batch: step(batch), 1))
        print(f"{size} MB of {unit!r}: {halves[1]:.2f} CPU s, {halves[1] / halves[0]:.2f} times half of it")


def _batches(texts: pa.Array) -> list[pa.RecordBatch]:
    rows = len(texts)
    columns = {"text": texts.cast(pa.string())}
    for name, value in (("text_digest", ""), ("title", ""), ("attributes", "{}")):
        columns[name] = pa.array([value] * rows)
    return pa.Table.from_pydict(columns).to_batches(BATCH_ROWS)


def _seconds(work: Callable[[], object], repeat: int) -> float:
    Redact()(_batches(pa.array(["a@b.cc"]))[0])
    taken: Sequence[float] = []
    for _ in range(repeat):
        began = time.process_time()
        work()
        taken = [*taken, time.process_time() - began]
    return statistics.median(taken)


if __name__ == "__main__":
    main()
