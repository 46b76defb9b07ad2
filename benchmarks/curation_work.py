"""One piece of curation work in a process of its own, timed from inside.

    python benchmarks/curation_work.py WORK CORPUS OUT [--tokenizer FILE] [--workers N]

prints one line of JSON: text megabytes, CPU and wall seconds of the work itself (imports, compiled kernels
and, for single steps, reading left out), and what the work found. `benchmarks/curation.py` runs all of them.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headwater.curate.silver import SilverMaker
from headwater.curate.step import REASON, StepSettings
from headwater.curate.steps import make_step
from headwater.fingerprint import digest_text
from headwater.schemas import BRONZE
from headwater.tables import read_batches, write_batches
from headwater.workspace import Workspace

BATCH_ROWS = 1024
RECIPE: tuple[Any, ...] = (
    "normalize",
    {"step": "language", "keep": ["en"], "min_confidence": 0.65},
    "gopher_repetition",
    "gopher_quality",
    {"step": "c4_quality", "terminal_punctuation": False},
    "fineweb_quality",
    {"step": "pii", "kinds": ["email", "ip", "phone"]},
)
"""What datatrove's FineWeb example does, and what `benchmarks/peers/` runs."""
SINGLE: dict[str, tuple[Any, ...]] = {
    "normalize": ("normalize",),
    "language": ("language",),
    "counters": ("gopher_quality", "c4_quality", "fineweb_quality"),
    "repetition": ("gopher_repetition",),
    "pii": ({"step": "pii", "kinds": ["email", "ip", "phone"]},),
}
NO_DEDUP = {"exact": False, "near": False}


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", choices=(*SINGLE, *_WORKS))
    parser.add_argument(
        "corpus", type=Path, help="Parquet with id, text, source; or a folder made by `prepare`"
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--tokenizer")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    # At its first array pyarrow imports pandas.
    pa.array([0])
    found = _single(options) if options.work in SINGLE else _WORKS[options.work](options)
    print(json.dumps(found))


def _single(options: argparse.Namespace) -> dict[str, Any]:
    """The steps over every document: none is dropped between them."""
    steps = [make_step(step) for step in SINGLE[options.work]]
    batches = list(_batches(options.corpus))
    _warm(steps, batches[0])
    languages: list[str] = []
    with Timer() as timer:
        for batch in batches:
            for found in _through(steps, batch):
                if options.work == "language":
                    languages += found.column("language").to_pylist()
    return {**timer.figures, "megabytes": _megabytes(batches), "languages": languages}


def _read(options: argparse.Namespace) -> dict[str, Any]:
    with Timer() as timer:
        table = pq.ParquetFile(options.corpus).read(use_threads=False)
    return {**timer.figures, "megabytes": _megabytes(table.to_batches())}


def _tokens(options: argparse.Namespace) -> dict[str, Any]:
    step = make_step({"step": "tokens", "tokenizer": options.tokenizer})
    batches = list(_batches(options.corpus))
    _warm([step], batches[0])
    with Timer() as timer:
        total = sum(pc.sum(step(batch).column("tokens")).as_py() for batch in batches)
    return {**timer.figures, "megabytes": _megabytes(batches), "tokens": total}


def _every_step(options: argparse.Namespace) -> dict[str, Any]:
    """Every step of the recipe on every document, and tokens and duplicates too."""
    steps = [make_step(step) for step in RECIPE]
    if options.tokenizer:
        steps.append(make_step({"step": "tokens", "tokenizer": options.tokenizer}))
    batches = list(_batches(options.corpus))
    _warm(steps, batches[0])
    judged = options.out / "judged"
    shutil.rmtree(judged, ignore_errors=True)
    with Timer() as timer:
        made = (found.select(BRONZE.arrow.names) for batch in batches for found in _last(steps, batch))
        write_batches(judged, (found.cast(BRONZE.arrow) for found in made), BRONZE.arrow, key="document_id")
        _silver(judged, options, steps=(), dedup={})
    return {**timer.figures, "megabytes": _megabytes(batches)}


def _recipe(options: argparse.Namespace) -> dict[str, Any]:
    steps = [*RECIPE, {"step": "tokens", "tokenizer": options.tokenizer}] if options.tokenizer else [*RECIPE]
    return _build(options, steps, {})


def _exact(options: argparse.Namespace) -> dict[str, Any]:
    return _build(options, [], {"near": False})


def _near(options: argparse.Namespace) -> dict[str, Any]:
    return _build(options, [], {})


def _changes(options: argparse.Namespace) -> dict[str, Any]:
    """CPU seconds of the recipe over everything, and again after a part of the documents changed."""
    rows = pa.Table.from_batches(list(read_batches(options.corpus)))
    beginning = pc.utf8_slice_codeunits(rows["document_id"], 0, 2)
    # Two hexadecimal digits of a hash: 3 and 13 of 256.
    few, new = (
        pc.is_in(beginning, value_set=pa.array([f"{number:02x}" for number in range(count)]))
        for count in (3, 13)
    )
    edited = pc.if_else(
        few, pc.binary_join_element_wise(rows["text"], pa.scalar("One more line."), "\n"), rows["text"]
    )
    before = {
        "nothing changed": rows,
        "1.2 % of the documents changed, scattered": _with_text(rows, edited),
        "5 % new documents, scattered": rows.filter(pc.invert(new)),
        "1 % new documents, one after another": rows.slice(0, int(len(rows) * 0.99)),
        "5 % new documents, one after another": rows.slice(0, int(len(rows) * 0.95)),
    }
    found: dict[str, Any] = {}
    for name, table in before.items():
        earlier, previous = options.out / "earlier", options.out / "previous"
        for folder in (earlier, previous):
            shutil.rmtree(folder, ignore_errors=True)
        write_batches(earlier, table.to_batches(), BRONZE.arrow, key="document_id")
        with Timer() as timer:
            _silver(earlier, options, steps=RECIPE, dedup={})
        if table is rows:
            found["whole"] = timer.figures["cpu"]
        (options.out / "silver").rename(previous)
        with Timer() as timer:
            _silver(options.corpus, options, steps=RECIPE, dedup={})
        found[name] = timer.figures["cpu"]
    return found


def _with_text(rows: pa.Table, texts: pa.ChunkedArray) -> pa.Table:
    digests = pa.array([digest_text(text) for text in texts.to_pylist()])
    for name, column in (("text", texts), ("text_digest", digests)):
        rows = rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), column)
    return rows


def _prepare(options: argparse.Namespace) -> dict[str, Any]:
    """Write the corpus as a bronze dataset to OUT; the documents are in the order of their ids."""
    shutil.rmtree(options.out, ignore_errors=True)
    write_batches(options.out, _batches(options.corpus), BRONZE.arrow, key="document_id")
    return {"megabytes": _megabytes(list(_batches(options.corpus)))}


def _build(options: argparse.Namespace, steps: Sequence[Any], dedup: dict[str, Any]) -> dict[str, Any]:
    """The silver tier of a bronze dataset: reading, judging, duplicates, writing."""
    with Timer() as timer:
        _silver(options.corpus, options, steps=steps, dedup=dedup)
    kept = [
        uri for batch in read_batches(options.out / "silver", ["uri"]) for uri in batch["uri"].to_pylist()
    ]
    megabytes = sum(_megabytes([batch]) for batch in read_batches(options.corpus, ["text"]))
    return {**timer.figures, "megabytes": megabytes, "kept": kept}


def _silver(
    bronze: Path, options: argparse.Namespace, *, steps: Sequence[Any], dedup: dict[str, Any]
) -> None:
    out, scratch = options.out / "silver", options.out / "scratch"
    for folder in (out, scratch):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    previous = options.out / "previous"

    def silent(_what: str, _done: int, _total: int) -> None:
        return None

    maker = SilverMaker.model_validate({"steps": list(steps), "dedup": dedup, "workers": options.workers})
    workspace = Workspace(
        out,
        {"bronze": bronze},
        previous if previous.exists() else None,
        options.out / "cache",
        scratch,
        silent,
    )
    maker(workspace)


class Timer:
    """CPU (this process and its children) and wall seconds of a block, and this process's peak memory."""

    def __enter__(self) -> Timer:
        self._cpu, self._wall = _cpu(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.figures = {"cpu": _cpu() - self._cpu, "wall": time.perf_counter() - self._wall}


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _warm(steps: Sequence[StepSettings], batch: pa.RecordBatch) -> None:
    """Load what the first call loads: models and compiled kernels."""
    for _ in _through(steps, batch.slice(0, 2)):
        continue


def _through(steps: Sequence[StepSettings], batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch after each step; verdicts are looked at by nobody."""
    for step in steps:
        batch = step(batch)
        dropped = [name for name in batch.schema.names if name.startswith("refused_")]
        if REASON in dropped:
            batch = batch.drop_columns(dropped)
        yield batch


def _last(steps: Sequence[StepSettings], batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    *_, last = _through(steps, batch)
    yield last


def _batches(corpus: Path) -> Iterator[pa.RecordBatch]:
    """The corpus with the columns of bronze; the id of a document is its uri."""
    with pq.ParquetFile(corpus) as file:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=["id", "text", "source"]):
            names, texts = batch.column("id").to_pylist(), batch.column("text").to_pylist()
            rows = len(batch)
            columns = {
                "document_id": pa.array([digest_text(name) for name in names]),
                "uri": batch.column("id"),
                "source": batch.column("source"),
                "raw_digest": pa.array([digest_text(name) for name in names]),
                "media_type": pa.array(["text/plain"] * rows),
                "title": pa.array([""] * rows),
                "section": pa.array([""] * rows),
                "start": pa.nulls(rows, BRONZE.arrow.field("start").type),
                "end": pa.nulls(rows, BRONZE.arrow.field("end").type),
                "text": batch.column("text"),
                "text_digest": pa.array([digest_text(text) for text in texts]),
                "attributes": pa.array(["{}"] * rows),
            }
            yield pa.RecordBatch.from_pydict({name: columns[name] for name in BRONZE.arrow.names}).cast(
                BRONZE.arrow
            )


def _megabytes(batches: Sequence[pa.RecordBatch]) -> float:
    lengths = [pc.sum(pc.binary_length(batch.column("text"))).as_py() or 0 for batch in batches]  # pyright: ignore[reportAttributeAccessIssue]
    return sum(lengths) / 1e6


_WORKS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "read": _read,
    "tokens": _tokens,
    "every_step": _every_step,
    "recipe": _recipe,
    "exact": _exact,
    "near": _near,
    "changes": _changes,
    "prepare": _prepare,
}

if __name__ == "__main__":
    main()
