"""The passages that stand in a prompt: the right document and hard negatives, in a hashed order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.train.prompt import Passage, passage_of
from headwater.train.splits import Split, unit_hash

CANDIDATES = 32
"""How many of the best BM25 matches are looked through for negatives; copies among them are passed over."""


@dataclass(frozen=True)
class ContextDocument:
    """What is kept in memory of a document that may stand in a prompt."""

    document_id: str
    uri: str
    split: Split
    passage: Passage


class ContextPool:
    """The documents that may stand in prompts, with one BM25 index for each split.

    Negatives are the documents of the same split that match the question best: they look right and are not,
    so the model has to read. None comes from another split, or the test documents would be seen in training.
    """

    def __init__(self, documents: Sequence[ContextDocument]) -> None:
        self._by_id = {document.document_id: document for document in documents}
        self._by_split: dict[Split, list[ContextDocument]] = {}
        for document in documents:
            self._by_split.setdefault(document.split, []).append(document)
        self._retrievers: dict[Split, Any] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, document_id: str) -> bool:
        return document_id in self._by_id

    def passages(
        self,
        question: str,
        right: str,
        count: int,
        *,
        seed: int,
        key: str,
        alike: frozenset[str] = frozenset(),
    ) -> list[ContextDocument]:
        """`count` documents for a prompt, or fewer where the split has fewer: `right` and its negatives.

        `right` is a document id; the ids in `alike` answer the question too and are never negatives. The
        order depends on `seed` and `key` (the example's own name), so the right one stands anywhere.
        """
        answer = self._by_id[right]
        chosen = [answer, *self._negatives(question, answer, count - 1, alike)]
        return sorted(chosen, key=lambda document: unit_hash(seed, f"{key}:{document.document_id}"))

    def _negatives(
        self, question: str, answer: ContextDocument, count: int, alike: frozenset[str]
    ) -> list[ContextDocument]:
        pool = self._by_split[answer.split]
        if count < 1 or len(pool) < 2:
            return []
        found: list[ContextDocument] = []
        shown = {answer.passage}
        for index in self._ranked(question, answer.split):
            document = pool[index]
            if document.document_id not in alike and document.passage not in shown:
                shown.add(document.passage)
                found.append(document)
            if len(found) == count:
                break
        return found

    def _ranked(self, question: str, split: Split) -> list[int]:
        import bm25s
        import numpy as np

        pool = self._by_split[split]
        if split not in self._retrievers:
            texts = [f"{document.passage.title} {document.passage.text}" for document in pool]
            retriever = bm25s.BM25()
            retriever.index(
                bm25s.tokenize(texts, stopwords="en", return_ids=False, show_progress=False),
                show_progress=False,
            )
            self._retrievers[split] = retriever
        words = bm25s.tokenize([question], stopwords="en", return_ids=False, show_progress=False)[0]
        known = [word for word in words if word in self._retrievers[split].vocab_dict]
        if not known:
            return list(range(min(CANDIDATES, len(pool))))
        scores = self._retrievers[split].get_scores(known)
        return np.argsort(-scores, kind="stable")[:CANDIDATES].tolist()


def context_document(row: Mapping[str, Any], split: Split) -> ContextDocument:
    """What is kept of a silver row."""
    return ContextDocument(
        row["document_id"], row["uri"], split, passage_of(str(row["title"]), str(row["text"]))
    )
