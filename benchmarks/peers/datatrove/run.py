"""datatrove on the benchmark's corpus.

    run.py recipe|near|exact CORPUS OUT --language-model FILE --tokenizer FILE

Writes the ids of the documents that it keeps to OUT/kept.json. The recipe is that of its FineWeb example:
repair, language, Gopher repetition and quality, C4, FineWeb, personal data, duplicates, tokens.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import fasttext
from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import (
    ExactDedupFilter,
    ExactDedupSignature,
    ExactFindDedups,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.dedup.exact_dedup import ExactDedupConfig
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    LanguageFilter,
)
from datatrove.pipeline.formatters import FTFYFormatter, PIIFormatter
from datatrove.pipeline.readers import JsonlReader, ParquetReader
from datatrove.pipeline.tokens import TokensCounter
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.lid import FT176LID


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=("recipe", "near", "exact"))
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--language-model")
    parser.add_argument("--tokenizer", default="gpt2")
    options = parser.parse_args()
    out: Path = options.out
    # The model of the same format that Headwater uses: nothing is downloaded.
    FT176LID.model = property(lambda _self: _language_model(options.language_model))
    documents = ParquetReader(
        str(options.corpus.parent), glob_pattern=options.corpus.name, text_key="text", id_key="id"
    )
    first = [documents]
    if options.work == "recipe":
        first += [
            FTFYFormatter(),
            LanguageFilter("en"),
            GopherRepetitionFilter(),
            GopherQualityFilter(),
            C4QualityFilter(filter_no_terminal_punct=False),
            FineWebQualityFilter(),
            PIIFormatter(),
        ]
    _run([*first, JsonlWriter(str(out / "filtered"))], out)
    remaining = JsonlReader(str(out / "filtered"))
    if options.work in ("recipe", "exact"):
        config = ExactDedupConfig(content_getter=_text)
        _run([remaining, ExactDedupSignature(str(out / "exact-signatures"), config)], out)
        _run([ExactFindDedups(str(out / "exact-signatures"), str(out / "exact-found"), config)], out)
        _run(
            [remaining, ExactDedupFilter(str(out / "exact-found"), config), JsonlWriter(str(out / "unique"))],
            out,
        )
        remaining = JsonlReader(str(out / "unique"))
    if options.work in ("recipe", "near"):
        _run([remaining, MinhashDedupSignature(str(out / "signatures"))], out)
        _run([MinhashDedupBuckets(str(out / "signatures"), str(out / "buckets"))], out, tasks=14)
        _run([MinhashDedupCluster(str(out / "buckets"), str(out / "clusters"))], out)
        last = [remaining, MinhashDedupFilter(str(out / "clusters"))]
        if options.work == "recipe":
            last.append(TokensCounter(options.tokenizer))
        _run([*last, JsonlWriter(str(out / "kept"))], out)
    folder = out / ("unique" if options.work == "exact" else "kept")
    kept = [document.id for document in JsonlReader(str(folder))()]
    (out / "kept.json").write_text(json.dumps(kept), encoding="utf-8")


def _run(pipeline: list[object], out: Path, tasks: int = 1) -> None:
    LocalPipelineExecutor(
        pipeline, tasks=tasks, workers=1, logging_dir=str(out / f"logs-{id(pipeline)}"), skip_completed=False
    ).run()


def _text(document: Document) -> str:
    return document.text


_loaded: dict[str, object] = {}


def _language_model(path: str) -> object:
    if path not in _loaded:
        _loaded[path] = fasttext.FastText._FastText(path)
    return _loaded[path]


if __name__ == "__main__":
    main()
