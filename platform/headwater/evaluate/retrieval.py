"""Retrieval judged on a set of questions: every retriever on the same ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from headwater.evaluate.group_bootstrap import Estimate, GroupBootstrap
from headwater.evaluate.metrics import MEASURES, judge
from headwater.index.search import METHODS, Method, SearchIndex
from headwater.tables import read_rows
from headwater.workspace import Progress

QUESTIONS_AT_ONCE = 256
LOOKED_AT = 100
"""Ranks in which a missed document is still looked for, to order the misses."""
SHOWN_MISSES = 10
RESAMPLES, CONFIDENCE = 2000, 0.95


@dataclass(frozen=True)
class Miss:
    """A question whose document the retriever did not rank among the first 10 passages."""

    question: str
    group: str
    expected: str
    expected_rank: int
    """Rank of the expected document's first passage; 0 beyond the first 100."""
    found: str
    found_text: str


@dataclass(frozen=True)
class GroupScore:
    """One group's mean scores, by measure, of one retriever."""

    group: str
    questions: int
    scores: Mapping[str, float]


@dataclass(frozen=True)
class RetrievalEvaluation:
    """All that was measured. `rows` follow RETRIEVAL_RESULTS, ordered by retriever and question."""

    rows: Sequence[Mapping[str, Any]]
    averages: Mapping[str, Estimate]
    """By metric name, e.g. `dense/recall@10`."""
    differences: Mapping[str, Estimate]
    """Paired, by e.g. `hybrid - bm25/recall@10`."""
    groups: Mapping[Method, Sequence[GroupScore]]
    """Worst first by nDCG@10."""
    misses: Mapping[Method, Sequence[Miss]]
    """The ten worst, those ranked last first."""
    questions: int
    origin: str


def evaluate_retrieval(
    index: SearchIndex, questions: Path, *, seed: int, progress: Progress
) -> RetrievalEvaluation:
    """Rank every question with every retriever.

    Raises `ValueError` when a relevant chunk is not in the index: questions and index are of different
    chunks then.
    """
    asked = list(read_rows(questions))
    numbers, document_of = index.documents()
    relevant = [_documents(row, document_of) for row in asked]
    rows: dict[Method, list[dict[str, Any]]] = {method: [] for method in METHODS}
    missed: dict[Method, list[tuple[int, int, int]]] = {method: [] for method in METHODS}
    for start in range(0, len(asked), QUESTIONS_AT_ONCE):
        batch = range(start, min(start + QUESTIONS_AT_ONCE, len(asked)))
        rankings = index.rank_by_all([asked[number]["text"] for number in batch], LOOKED_AT)
        for method in METHODS:
            for number, ranking in zip(batch, rankings[method], strict=True):
                documents = [int(numbers[position]) for position, _ in ranking]
                scores = judge(documents, relevant[number])
                rows[method].append(_row(asked[number], method, scores))
                if scores["rank"] == 0:
                    deep = next((r for r, d in enumerate(documents, 1) if d in relevant[number]), 0)
                    missed[method].append((deep, number, ranking[0][0] if ranking else -1))
        progress("asking questions", batch.stop, len(asked))
    averages, differences = _intervals(rows, [str(row["group"]) for row in asked], seed)
    return RetrievalEvaluation(
        rows=[row for method in METHODS for row in rows[method]],
        averages=averages,
        differences=differences,
        groups={method: _groups(rows[method]) for method in METHODS},
        misses={method: _misses(index, asked, missed[method]) for method in METHODS},
        questions=len(asked),
        origin=asked[0]["origin"] if asked else "",
    )


def _documents(row: Mapping[str, Any], document_of: Mapping[str, int]) -> frozenset[int]:
    unknown = [chunk for chunk in row["relevant_chunk_ids"] if chunk not in document_of]
    if unknown:
        raise ValueError(
            f"the index does not contain chunk {unknown[0]}, which answers {row['text']!r}: questions and "
            "index were made from different chunks"
        )
    return frozenset(document_of[chunk] for chunk in row["relevant_chunk_ids"])


def _row(question: Mapping[str, Any], method: Method, scores: Mapping[str, float]) -> dict[str, Any]:
    return {
        "result_id": f"{method}:{question['question_id']}",
        "question_id": question["question_id"],
        "group": question["group"],
        "retriever": method,
        **scores,
    }


def _intervals(
    rows: Mapping[Method, Sequence[Mapping[str, Any]]], groups: Sequence[str], seed: int
) -> tuple[dict[str, Estimate], dict[str, Estimate]]:
    """Averages, and paired differences of every two retrievers, with intervals over the same resamples."""
    averages: dict[str, Estimate] = {}
    differences: dict[str, Estimate] = {}
    if not groups:
        return averages, differences
    bootstrap = GroupBootstrap(groups, resamples=RESAMPLES, confidence=CONFIDENCE, seed=seed)
    for measure, column in MEASURES.items():
        values = {method: [float(row[column]) for row in rows[method]] for method in METHODS}
        for method in METHODS:
            averages[f"{method}/{measure}"] = bootstrap.mean(values[method])
        for left, right in combinations(reversed(METHODS), 2):
            pairs = zip(values[left], values[right], strict=True)
            differences[f"{left} - {right}/{measure}"] = bootstrap.mean([one - two for one, two in pairs])
    return averages, differences


def _groups(rows: Sequence[Mapping[str, Any]]) -> list[GroupScore]:
    by_group: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_group.setdefault(row["group"], []).append(row)
    scored = [
        GroupScore(
            group,
            len(members),
            {
                measure: sum(row[column] for row in members) / len(members)
                for measure, column in MEASURES.items()
            },
        )
        for group, members in by_group.items()
    ]
    return sorted(scored, key=lambda item: (item.scores["ndcg@10"], item.group))


def _misses(
    index: SearchIndex, asked: Sequence[Mapping[str, Any]], missed: Sequence[tuple[int, int, int]]
) -> list[Miss]:
    worst = sorted(missed, key=lambda item: (-(item[0] or LOOKED_AT + 1), asked[item[1]]["question_id"]))
    shown: list[Miss] = []
    for rank, number, position in worst[:SHOWN_MISSES]:
        question = asked[number]
        found = index.hits([(position, 0.0)])[0] if position >= 0 else None
        shown.append(
            Miss(
                question=question["text"],
                group=question["group"],
                expected=index.title_of(question["relevant_chunk_ids"][0]),
                expected_rank=rank,
                found=(found.title or found.uri) if found else "nothing",
                found_text=found.text.removeprefix(found.title).strip() if found else "",
            )
        )
    return shown
