"""The language of short texts that are no documents: questions, of the log and of a release."""

from __future__ import annotations

from collections.abc import Sequence


def languages_of(texts: Sequence[str]) -> list[str]:
    """The language of each text as the step `language` records it, `und` where it cannot tell."""
    import pyarrow as pa

    from headwater.curate.language import Language

    if not texts:
        return []
    batch = pa.RecordBatch.from_pydict({"text": pa.array(texts, pa.string())})
    return Language()(batch).column("language").to_pylist()
