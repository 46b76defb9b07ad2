"""What versions cost in the embedded lake, against limits and against other tools.

    python benchmarks/lake.py [--quick] [--peers DIR] [--folder DIR]

Every figure is the median of five runs (of other tools: three), each in a process of its own; what is divided
by each other is run in turns. `--quick` makes one run with less data and judges nothing. `--peers` installs
DVC and oxen into environments below DIR, once, and runs them on the same data. Works in a new folder below
`--folder`, on the disk that is to be measured, takes up to 6 GiB there and removes it. Exits with 1 when a
limit is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median

from _lake_cases import Figures
from _lake_peers import Peer, large_version, peers, small_version, table_versions
from _lake_rows import Measured, limits, print_table

NEEDED_BYTES = 6 << 30


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    rounds: int
    peer_rounds: int
    dataset: int
    objects: int
    documents: int


FULL = Size(rounds=5, peer_rounds=3, dataset=1 << 30, objects=10_000, documents=100_000)
QUICK = Size(rounds=1, peer_rounds=1, dataset=1 << 27, objects=2_000, documents=20_000)


def main() -> int:
    """Measure what the command line asks for, print the tables, and say whether all limits were met."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one round with less data: does it run?")
    parser.add_argument(
        "--peers", type=Path, metavar="DIR", help="where other tools are, or are installed to"
    )
    parser.add_argument("--folder", type=Path, default=Path("build"), help="where to work (default: build)")
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    options.folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(options.folder).free < NEEDED_BYTES:
        parser.error(f"--folder: expected {NEEDED_BYTES >> 30} GiB of free disk in {options.folder}")
    with tempfile.TemporaryDirectory(prefix="lake-", dir=options.folder) as made:
        folder = Path(made).absolute()
        try:
            found = _measure(folder, size)
            rows = limits(found)
            if options.quick:
                rows = [replace(row, missed=None) for row in rows]
            print_table(("figure", "limit", "median", "CPU s", "peak MiB", ""), [row.cells() for row in rows])
            if options.peers is not None:
                _against_peers(folder, size, options.peers.absolute(), found)
        finally:
            _make_writable(folder)
    return int(any(row.missed for row in rows))


def _measure(folder: Path, size: Size) -> Measured:
    plain, published, fetched = _large(folder, size)
    small = _middle(_rounds("objects", size.rounds, lambda at: _case("small", at, size.objects), folder))
    _say(f"{size.documents:,} documents, four ways of changing one in a hundred")
    _case("documents", folder, size.documents)
    return Measured(
        size=size.dataset,
        objects=size.objects,
        ratios=[one["seconds"] / other["seconds"] for one, other in zip(published, plain, strict=True)],
        plain=_middle(plain),
        published=_middle(published),
        fetched=_middle(fetched),
        small=small,
        table=_case("versions", folder, 0),
    )


def _large(folder: Path, size: Size) -> tuple[list[Figures], list[Figures], list[Figures]]:
    """Plain, published and fetched, in turns; which one begins alternates."""
    plain: list[Figures] = []
    published: list[Figures] = []
    fetched: list[Figures] = []

    def write(at: Path) -> None:
        plain.append(_case("plain", at / "plain", size.dataset))
        _remove(at / "plain")

    def publish(at: Path) -> None:
        (at / "published").mkdir()
        published.append(_case("published", at / "published", size.dataset))
        fetched.append(_case("fetched", at / "published", size.dataset))
        _remove(at / "published")

    for number in range(size.rounds):
        _say(f"dataset, round {number + 1} of {size.rounds}")
        for step in (write, publish) if number % 2 == 0 else (publish, write):
            step(folder)
    return plain, published, fetched


def _against_peers(folder: Path, size: Size, home: Path, ours: Measured) -> None:
    _say("other tools: finding or installing them")
    others, missing = peers(home)
    large, small, table = ours.published, ours.small, ours.table
    lines = [
        (
            "headwater",
            f"{median(ours.ratios):.2f} x",
            f"{large['peak']:.0f}",
            f"{large['stored'] / size.dataset:.2f} x",
            f"{ours.fetched['seconds']:.2f}",
            f"{small['cpu']:.1f}",
            f"{small['branch'] * 1e3:.0f}",
            f"{small['merge'] * 1e3:.0f}",
            *_shares(small["growth"] / small["stored"], table),
        )
    ]
    for peer in others:
        whole = partial(_beside_plain, peer, size.dataset)
        big = _middle(_rounds(peer.name, size.peer_rounds, whole, folder, large=True))
        many = _middle(
            _rounds(f"{peer.name}, objects", 1, partial(small_version, peer, size.objects), folder)
        )
        rows = _middle(_rounds(f"{peer.name}, tables", 1, partial(table_versions, peer, folder), folder))
        lines.append(
            (
                peer.name,
                f"{big['ratio']:.2f} x",
                f"{big['peak']:.0f}",
                f"{big['stored'] / size.dataset:.2f} x",
                f"{big['back']:.2f}" if "back" in big else "in place",
                f"{many['cpu']:.1f}",
                f"{many['branch'] * 1e3:.0f}" if "branch" in many else "",
                f"{many['merge'] * 1e3:.0f}" if "merge" in many else "",
                *_shares(many["growth"] / many["stored"], rows),
            )
        )
    titles = ("tool", "write, commit", "peak MiB", "disk", "old version s", "small objects CPU s")
    titles += ("branch ms", "merge ms", "1% new: files", "rows, one section", "rows, scattered")
    print_table(titles, lines)
    for reason in missing:
        print(reason)


def _beside_plain(peer: Peer, size: int, folder: Path) -> Figures:
    plain = _case("plain", folder / "plain", size)
    _remove(folder / "plain")
    os.sync()
    figures = large_version(peer, size, folder)
    return {**figures, "ratio": figures["seconds"] / plain["seconds"]}


def _shares(files: float, table: Figures) -> tuple[str, str, str]:
    one, scattered = table["one-section"] / table["base"], table["scattered"] / table["base"]
    return f"{files:.1%}", f"{one:.1%}", f"{scattered:.1%}"


def _rounds(
    what: str, count: int, run: Callable[[Path], Figures], folder: Path, *, large: bool = False
) -> list[Figures]:
    """Run something several times, each in an empty folder; what is not large stays until the end.

    ext4 makes no new file of an inode that was freed in the last minutes: while many were, making files costs
    up to three times the processor time.
    """
    figures: list[Figures] = []
    for number in range(count):
        _say(f"{what}, round {number + 1} of {count}")
        at = folder / f"{what}-{number}".replace(" ", "-").replace(",", "")
        at.mkdir()
        os.sync()
        figures.append(run(at))
        if large:
            _remove(at)
    return figures


def _case(name: str, folder: Path, number: int) -> Figures:
    """Run a case of `_lake_cases` in a new process, on a disk that has nothing else to write."""
    os.sync()
    program = Path(__file__).with_name("_lake_cases.py")
    command = [sys.executable, str(program), name, str(folder), str(number)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def _middle(runs: Sequence[Figures]) -> Figures:
    """The median of each figure."""
    return {key: median(run[key] for run in runs) for key in runs[0]}


def _make_writable(folder: Path) -> None:
    """Folders that a lake fetched are read-only and could not be removed."""
    for at, _, _ in os.walk(folder):
        Path(at).chmod(0o755)


def _remove(folder: Path) -> None:
    _make_writable(folder)
    shutil.rmtree(folder)


def _say(what: str) -> None:
    print(f"... {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
