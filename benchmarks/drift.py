"""False alarms, power and cost of the drift tests, on documentation of installed packages.

    python benchmarks/drift.py                     the whole table (see --quiet and --repeat for shorter ones)
    python benchmarks/drift.py --reference tools --foreign stdlib    the same with other text
    python benchmarks/drift.py --peers DIR         also Evidently and alibi-detect, each in its environment
                                                   (DIR/evidently, DIR/alibi) where that exists:
                                                   pip install evidently==0.7.23 pandas==3.0.6
                                                   pip install torch==2.13.0 alibi-detect==0.13.0

A window counts as found when the p of the data family is at most .05; no floors, no second window. Each
repetition draws its own 2,000 reference rows and its window from the rest; clustered draws take whole
documents on both sides. Vectors are computed once and kept in `--cache`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt

from _drift_corpora import CORPORA, Corpus, load
from headwater.monitor.clusters import seeded
from headwater.monitor.two_samples import Difference, two_sample_test

Vectors = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]
REFERENCE_ROWS = 2000
ALPHA = 0.05
PEER_REPEAT = 10
BY_ROW_REPEAT = 50
"""What ignores clusters calls nearly every window drift: that takes few of them to see."""
MOST_ROWS = 3300
"""Of a corpus: a reference of 2,000 rows and a window of 1,000 must not share any."""


@dataclass(frozen=True)
class Case:
    """A kind of window, and the share of them in which drift must (or may at most) be found."""

    rows: int
    foreign: float
    goal: float
    clusters: int = 0

    @property
    def name(self) -> str:
        """For the table."""
        size = f"{self.clusters} documents" if self.clusters else f"{self.rows} rows"
        return f"{size}, {self.foreign:.0%} foreign" if self.foreign else f"{size}, no drift"


QUIET = (*(Case(rows, 0, 0.08) for rows in (100, 250, 500, 1000)), Case(0, 0, 0.10, 23), Case(0, 0, 0.10, 85))
SHIFTED = (
    Case(100, 0.25, 0.90),
    Case(250, 0.10, 0.60),
    Case(500, 0.10, 0.78),
    Case(1000, 0.10, 0.92),
    Case(0, 0.25, 0.65, 23),
    Case(0, 0.25, 0.90, 85),
)


@dataclass(frozen=True)
class Draw:
    """One repetition: reference and window with their clusters."""

    reference: Vectors
    reference_clusters: Numbers
    window: Vectors
    window_clusters: Numbers


def main() -> None:
    """Print the tables that the arguments ask for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reference", choices=CORPORA, default="aws")
    parser.add_argument(
        "--foreign", choices=CORPORA, nargs="+", help="default: stdlib, numeric and aws without the reference"
    )
    parser.add_argument("--quiet", type=int, default=300, help="windows without drift of each size; 0: none")
    parser.add_argument(
        "--repeat", type=int, default=50, help="windows with drift of each kind and corpus; 0: none"
    )
    parser.add_argument("--cache", type=Path, default=Path(".headwater/benchmarks/drift"))
    parser.add_argument("--peers", type=Path)
    given = parser.parse_args()
    home = load(given.reference, MOST_ROWS, given.cache)
    others = given.foreign or [name for name in ("stdlib", "numeric", "aws") if name != given.reference]
    foreign = {name: load(name, MOST_ROWS, given.cache) for name in others}
    documents = {
        name: len(set(c.documents.tolist())) for name, c in {given.reference: home, **foreign}.items()
    }
    sizes = {
        given.reference: len(home.texts),
        **{name: len(corpus.texts) for name, corpus in foreign.items()},
    }
    print(f"reference {given.reference}; passages {sizes}; documents {documents}; alpha {ALPHA}\n")
    if given.quiet:
        false_alarms(home, given.quiet)
    if given.repeat:
        power(home, foreign, given.repeat)
    cost(home)
    if given.peers:
        peers(home, foreign, given.peers)


def false_alarms(home: Corpus, quiet: int) -> None:
    """Share of quiet windows with a finding, and of row-wise tests on the clustered ones for comparison."""
    print(
        f"{'false alarms':32} {'found':>6} {'centr.':>6} {'new':>6} {'goal':>7} {'CPU s':>7}  {quiet} windows"
    )
    for case in QUIET:
        values, seconds = repeated(home, None, case, quiet)
        print(_line(case.name, values, seconds, f"<= {case.goal:.2f}"), flush=True)
        if case.clusters:
            values, seconds = repeated(home, None, case, min(quiet, BY_ROW_REPEAT), by_row=True)
            print(_line(f"{case.name}, by row", values, seconds, ""), flush=True)


def power(home: Corpus, foreign: dict[str, Corpus], repeat: int) -> None:
    """Share of shifted windows found, for each foreign corpus."""
    print(f"\n{'power':32} {'found':>6} {'centr.':>6} {'new':>6} {'goal':>7} {'CPU s':>7}   {repeat} each")
    for case in SHIFTED:
        for name, corpus in foreign.items():
            values, seconds = repeated(home, corpus, case, repeat)
            print(_line(f"{case.name}: {name}", values, seconds, f">= {case.goal:.2f}"), flush=True)


def cost(home: Corpus) -> None:
    """CPU seconds (median of 3) and peak memory of the data family."""
    print(f"\n{'cost of a window':32} {'CPU s':>6} {'peak MB':>8}")
    small = draw(home, None, Case(250, 0, 0), seeded("cost"))
    print(f"{'250 rows':32} {_median(lambda: difference(small, 'cost')):6.3f} {_peak():8.0f}")
    generator = seeded("large")
    large = [generator.normal(size=(10_000, 384)).astype(np.float32) for _ in range(2)]
    for rows in large:
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    both = Draw(large[0], np.arange(10_000), large[1], np.arange(10_000))
    print(
        f"{'10,000 x 384 against as many':32} {_median(lambda: difference(both, 'cost')):6.3f} {_peak():8.0f}"
    )


def repeated(
    home: Corpus, foreign: Corpus | None, case: Case, times: int, *, by_row: bool = False
) -> tuple[npt.NDArray[np.float64], float]:
    """The p of both statistics together and of each alone, float64 [times, 3]; median CPU seconds of one."""
    values: list[tuple[float, float, float]] = []
    seconds: list[float] = []
    for number in range(times):
        one = draw(home, foreign, case, seeded("draw", case.name, str(foreign is None), str(number)))
        if by_row:
            rows, seen = np.arange(len(one.reference)), np.arange(len(one.window))
            one = Draw(one.reference, rows, one.window, seen)
        began = time.process_time()
        found = difference(one, f"{case.name}/{number}")
        seconds.append(time.process_time() - began)
        values.append((found.p, found.centroids_p, found.novelty_p))
    return np.asarray(values), statistics.median(seconds)


def difference(one: Draw, seed: str) -> Difference:
    """What the data family tests."""
    sides = (one.reference, one.reference_clusters, one.window, one.window_clusters)
    return two_sample_test(*sides, seeded(seed))


def draw(home: Corpus, foreign: Corpus | None, case: Case, generator: np.random.Generator) -> Draw:
    """A reference of 2,000 rows (in whole documents for a clustered case) and a window from the rest."""
    if case.clusters:
        return _draw_documents(home, foreign, case, generator)
    order = generator.permutation(len(home.vectors))
    # A corpus of fewer rows than both need gives a smaller reference, never one that overlaps the window.
    reference = order[: min(REFERENCE_ROWS, len(order) - case.rows)]
    strange = round(case.rows * case.foreign)
    rows = [home.vectors[order[len(reference) : len(reference) + case.rows - strange]]]
    if foreign is not None:
        rows.append(foreign.vectors[generator.permutation(len(foreign.vectors))[:strange]])
    window = np.concatenate(rows)
    return Draw(home.vectors[reference], np.arange(len(reference)), window, np.arange(len(window)))


def _draw_documents(home: Corpus, foreign: Corpus | None, case: Case, generator: np.random.Generator) -> Draw:
    order = generator.permutation(int(home.documents.max()) + 1)
    strange = round(case.clusters * case.foreign)
    own = order[: case.clusters - strange]
    rest = order[case.clusters - strange :]
    sizes = np.cumsum(np.bincount(home.documents)[rest])
    reference = _rows_of(home, rest[: int(np.searchsorted(sizes, REFERENCE_ROWS)) + 1])
    kept = _rows_of(home, own)
    window, clusters = home.vectors[kept], home.documents[kept]
    if foreign is not None:
        chosen = generator.permutation(int(foreign.documents.max()) + 1)[:strange]
        added = _rows_of(foreign, chosen)
        window = np.concatenate([window, foreign.vectors[added]])
        clusters = np.concatenate([clusters, foreign.documents[added] + int(home.documents.max()) + 1])
    return Draw(home.vectors[reference], home.documents[reference], window, clusters)


def _rows_of(corpus: Corpus, documents: Numbers) -> Numbers:
    return np.flatnonzero(np.isin(corpus.documents, documents))


def peers(home: Corpus, foreign: dict[str, Corpus], folder: Path) -> None:
    """Evidently's and alibi-detect's rules with their defaults, on windows of 250 rows."""
    print(f"\npeers with their defaults, windows of 250 rows, {PEER_REPEAT} each")
    print(f"{'rule':32} {'no drift':>9} {'10%':>6} {'25%':>6} {'CPU s':>7}")
    cases = (Case(250, 0, 0), Case(250, 0.10, 0), Case(250, 0.25, 0))
    with tempfile.TemporaryDirectory() as place:
        for number, one in enumerate(_peer_draws(home, foreign, cases)):
            np.savez(Path(place) / f"{number:04}.npz", reference=one.reference, window=one.window)
        for name in ("evidently", "alibi"):
            python = folder / name / "bin/python"
            if not python.is_file():
                print(f"{name}: skipped, {name}/bin/python is not in the folder of peers")
                continue
            command = [str(python), str(Path(__file__).parent / "peers" / f"drift_{name}.py"), place]
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
            if ran.returncode:
                print(f"{name}: failed: {ran.stderr.strip().splitlines()[-1]}")
                continue
            found = json.loads(ran.stdout.strip().splitlines()[-1])
            for rule, (flags, seconds) in found.items():
                shares = [statistics.mean(flags[start::3]) for start in range(3)]
                print(f"{rule:32} {shares[0]:9.2f} {shares[1]:6.2f} {shares[2]:6.2f} {seconds:7.3f}")


def _peer_draws(home: Corpus, foreign: dict[str, Corpus], cases: Sequence[Case]) -> Iterator[Draw]:
    """Repetition by repetition a window of each case, so that every third one is of the same case."""
    corpus = next(iter(foreign.values()))
    for number in range(PEER_REPEAT):
        for case in cases:
            yield draw(home, corpus if case.foreign else None, case, seeded("peer", case.name, str(number)))


def _line(name: str, values: npt.NDArray[np.float64], seconds: float, goal: str) -> str:
    shares = (values <= ALPHA).mean(axis=0)
    return f"{name:32} {shares[0]:6.3f} {shares[1]:6.3f} {shares[2]:6.3f} {goal:>7} {seconds:7.3f}"


def _median(work: Callable[[], object]) -> float:
    taken: list[float] = []
    for _ in range(3):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return statistics.median(taken)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
