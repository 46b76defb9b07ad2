"""The tables that the benchmark of the lake prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from _lake_cases import Figures

MIB = 1 << 20


@dataclass(frozen=True)
class Measured:
    """Medians of each case; `ratios` are publishing by writing plainly, round by round."""

    size: int
    objects: int
    ratios: Sequence[float]
    plain: Figures
    published: Figures
    fetched: Figures
    small: Figures
    table: Figures


@dataclass(frozen=True)
class Row:
    """One line of the first table; `missed` is None where there is no limit."""

    figure: str
    limit: str
    measured: str
    cost: Figures
    missed: bool | None = None

    def cells(self) -> tuple[str, ...]:
        """The line as text."""
        verdict = {None: "", True: "MISSED", False: "met"}[self.missed]
        cpu, peak = (f"{self.cost[key]:.2f}" if key in self.cost else "" for key in ("cpu", "peak"))
        return self.figure, self.limit, self.measured, cpu, peak.partition(".")[0], verdict


def limits(found: Measured) -> list[Row]:
    """What the lake must keep to, and whether it did."""
    base, dataset, fetch, small = found.plain, found.published, found.fetched, found.small
    ratio = median(found.ratios)
    spread = f"{min(found.ratios):.2f} to {max(found.ratios):.2f}"
    gib = f"{found.size / (1 << 30):g} GiB"
    own = max(0.0, small["branch"] - small["flush"])
    whole = fetch["shared"] == fetch["parts"] and fetch["written"] < MIB
    rows = [
        Row(f"write {gib} in 64 files, fsync each", "", f"{base['seconds']:.2f} s", base),
        Row(
            "write and publish the same",
            "1.3 x",
            f"{ratio:.2f} x ({spread}; {dataset['seconds']:.2f} s)",
            dataset,
            ratio > 1.3,
        ),
        Row(
            f"commit of {found.objects:,} objects of 4 KiB",
            "4 CPU s",
            f"{small['cpu']:.2f} CPU s ({small['seconds']:.2f} s)",
            small,
            small["cpu"] >= 4,
        ),
        Row(
            "branch, beside the two fsyncs that it needs",
            "5 ms",
            f"{own * 1e3:.1f} ms (in all {small['branch'] * 1e3:.1f} ms)",
            {},
            own >= 0.005,
        ),
        Row(
            f"merge of one object into {found.objects:,}",
            "120 ms",
            f"{small['merge'] * 1e3:.0f} ms",
            {},
            small["merge"] >= 0.12,
        ),
        Row(
            f"fetch of {gib} in 64 parts",
            "no copy",
            f"{fetch['seconds'] * 1e3:.1f} ms, again {fetch['again'] * 1e3:.1f} ms; "
            f"{fetch['shared']:.0f} of {fetch['parts']:.0f} are the stored inode; "
            f"{fetch['written'] / 1024:.0f} KiB written; a copy takes {fetch['copying']:.2f} s",
            fetch,
            not whole,
        ),
        Row(
            "mapped read of it from the page cache",
            "",
            f"{fetch['reading'] * 1e3:.0f} ms; of the copy {fetch['reading_copy'] * 1e3:.0f} ms",
            {},
        ),
        _growth("files, scattered", small["growth"] / small["stored"]),
    ]
    for name in ("one-section", "five-sections", "ten-sections", "scattered"):
        share = found.table[name] / found.table["base"]
        rows.append(_growth(f"rows, {name.replace('-', ' ')}", share))
    stored = found.table["base"] / MIB
    rows.append(
        Row(
            f"such a change of {stored:.0f} MiB of rows, scattered",
            "",
            f"{found.table['change']:.2f} s; storing them first {found.table['first']:.2f} s",
            {"cpu": found.table["change_cpu"]},
        )
    )
    rows.append(
        Row(
            "the first version of them, rebuilt from deltas",
            "",
            f"{found.table['back']:.2f} s, again {found.table['again'] * 1e3:.1f} ms",
            {},
        )
    )
    return rows


def print_table(titles: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """A Markdown table."""
    table = [tuple(titles), *map(tuple, lines)]
    widths = [max(len(line[column]) for line in table) for column in range(len(titles))]
    table.insert(1, tuple("-" * width for width in widths))
    print()
    for line in table:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |")


def _growth(what: str, share: float) -> Row:
    missed = share > 0.05
    return Row(
        f"new bytes, 1% of the documents changed: {what}",
        "5 %",
        f"{share:.1%}",
        {},
        missed,
    )
