"""Windows of the inference dataset, as they are judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headwater.monitor.clusters import Floats, numbered
from headwater.monitor.rows import Answers, Observed, Requests, WindowData, cluster_of, down_of
from headwater.tables import read_batches, read_rows

Row = dict[str, Any]


def window_ids(inference: Path) -> list[str]:
    """The windows that the dataset holds, oldest first: an id begins with the window's time."""
    found: set[str] = set()
    for batch in read_batches(inference, ["window"]):
        found.update(batch.column("window").unique().to_pylist())
    return sorted(found)


def response_ids(inference: Path) -> set[str]:
    """Every request that the dataset holds."""
    batches = read_batches(inference, ["response_id"])
    return {name for batch in batches for name in batch.column("response_id").to_pylist()}


def rows_of(inference: Path, windows: Collection[str]) -> dict[str, list[Row]]:
    """The rows of these windows, in their order; memory is that of the windows asked for."""
    found: dict[str, list[Row]] = {window: [] for window in sorted(windows)}
    if found:
        for row in read_rows(inference):
            if row["window"] in found:
                found[row["window"]].append(row)
    return found


def release_of(rows: Sequence[Row]) -> str:
    """The release that answered most of the rows, the first by name of equals."""
    counts = Counter(str(row["release"]) for row in rows)
    return min(counts, key=lambda name: (-counts[name], name)) if counts else ""


def questions_of(rows: Sequence[Row]) -> set[str]:
    """The texts of the questions."""
    return {row["question"] for row in rows}


def embedders_of(rows: Sequence[Row]) -> set[str]:
    """Digests of the embedders that made the rows' vectors."""
    return {row["embedder"] for row in rows if row["embedding"]}


def only_requests(window: str, rows: Sequence[Row], embedder: str) -> WindowData:
    """A window whose vectors cannot be compared: how many questions it has, and how the service did."""
    asked = [row for row in rows if row["embedding"]]
    questions = Observed(
        embedder=embedder,
        texts=[row["question"] for row in asked],
        clusters=numbered([cluster_of(row) for row in asked]),
        embeddings=np.zeros((len(asked), 0), dtype=np.float32),
        similarity=np.full(len(asked), np.nan, dtype=np.float32),
    )
    return WindowData(window, questions, Requests.of(rows))


def answers_of(rows: Sequence[Row], supported: Mapping[str, bool]) -> Answers:
    """Votes and support of the rows, joined by response id."""
    return Answers(
        clusters=numbered([cluster_of(row) for row in rows]),
        down=np.asarray([down_of(row["vote"]) for row in rows], dtype=np.float32),
        grounded=_support(rows, supported),
    )


def with_facts(
    rows: Sequence[Row], supported: Mapping[str, bool], gold: Mapping[str, Collection[str]]
) -> list[Row]:
    """The rows with `grounded` and, where a labelled question was asked and voted on, `contradicts`.

    `gold` maps labelled questions to the chunks that answer them. A thumb down contradicts them where such a
    chunk was among the passages, a thumb up where none was.
    """
    return [
        {
            **row,
            "grounded": supported.get(row["response_id"]),
            "contradicts": _contradicts(row, gold.get(row["question"].strip())),
        }
        for row in rows
    ]


def _contradicts(row: Row, right: Collection[str] | None) -> bool | None:
    if not right or row["vote"] in (None, 0):
        return None
    given = any(item["chunk_id"] in right for item in row["retrieved"])
    return given == (row["vote"] < 0)


def _support(rows: Sequence[Row], supported: Mapping[str, bool]) -> Floats:
    values = [supported.get(row["response_id"], np.nan) for row in rows]
    return np.asarray(values, dtype=np.float32)
