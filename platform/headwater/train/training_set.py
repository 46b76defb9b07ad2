"""The training set: questions with passages to read, answers, and splits in which no group stands twice.

The prompt holds the right document's passage among hard negatives, so that the model learns to read and
can answer on groups (services) that it never saw.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from headwater.fingerprint import digest_json
from headwater.schemas import TRAINING_SET
from headwater.tables import read_rows, write_rows
from headwater.train.candidates import (
    Candidate,
    Key,
    Refusal,
    attributes_of,
    from_passage,
    group_of,
    key_of,
    labelled,
    write_refusals,
)
from headwater.train.context import ContextPool, context_document
from headwater.train.from_feedback import Document, FeedbackMix, FromFeedback, from_feedback, read_labels
from headwater.train.prompt import chat, format_prompt
from headwater.train.splits import Shares, Split, split_of, unit_hash
from headwater.train.training_set_report import report
from headwater.workspace import Produced, Workspace

COLUMNS = ("document_id", "uri", "source", "raw_digest", "title", "section", "text", "attributes")


Answering = dict[tuple[Split, Key], list[str]]
"""Ids of the documents that answer a key, within a split."""


class EmptySplit(ValueError):
    """A split that training or evaluation needs holds no example."""


class TrainingSetMaker(BaseModel):
    """Makes `training_set` from `silver`, and with `feedback` from the labels of the asset `feedback` too.

    `sources` hold labelled pairs in the attributes `question` and `answer`. Passages come from the documents
    of `context_sources` (default: every other source); the right one has the same values of `relevant_by`
    and stands in the same split.
    A pair without a right document is refused (`no_matching_document`): its prompt would teach the model to
    answer what no passage says. With `context_passages: 0` nothing is looked up and every pair is kept.

    Without labelled pairs, questions are made from titles and headings, answered by the document's own first
    passage (origin `passage`); all documents serve as context.

    Groups (attribute `group_by`, else the first part of the path) go whole into one split, by a hash of
    their name. `max_examples` keeps the examples whose uris hash lowest, so what is kept does not depend on
    what else there is more than it must. Long answers are kept whole here; training cuts them.

    Labels from feedback go into the train split only, and no other example depends on them. One is refused if
    its document's group is held out (`held_out_group`), if its question is nearly one of the other splits
    (`held_out_question`), or if the mix has enough of its kind.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: tuple[str, ...] = ()
    question: str = "question"
    answer: str = "command"
    context_sources: tuple[str, ...] | None = None
    relevant_by: tuple[str, ...] = ("service", "operation")
    group_by: str | None = "service"
    context_passages: int = Field(default=3, ge=0, le=10)
    shares: Shares = Shares()
    seed: int = 0
    max_examples: int | None = Field(default=None, ge=1)
    feedback: FeedbackMix | None = Field(
        default=None, description="How much may come from feedback; null: none, and the asset is not read"
    )

    def __call__(self, workspace: Workspace) -> Produced:
        """Read `inputs["silver"]`, write the dataset and its quarantine. Raises `EmptySplit`.

        With `feedback`, `inputs["feedback"]` is read as well.
        """
        silver = workspace.inputs["silver"]
        candidates, refusals = self._labelled(silver)
        origin = "labelled" if candidates else "passage"
        if not candidates:
            candidates, refusals = self._from_passages(silver)
        pool, by_key = self._context(silver, origin)
        if origin == "labelled" and self.context_passages:
            refusals += [_unmatched(one) for one in candidates if self._lookup(one) not in by_key]
            candidates = [one for one in candidates if self._lookup(one) in by_key]
        kept = self._capped(candidates)
        rows: list[dict[str, Any]] = []
        for done, candidate in enumerate(sorted(kept, key=lambda one: one.uri), 1):
            rows.append(self._example(candidate, pool, by_key))
            if done % 200 == 0 or done == len(kept):
                workspace.progress("training examples", done, len(kept))
        over_cap = len(candidates) - len(kept)
        if self.feedback is not None:
            learned = self._learned(self.feedback, workspace.inputs, kept, pool, origin)
            rows += [self._example(one, pool, by_key, right) for one, right in learned.taken]
            rows.sort(key=lambda row: row["uri"])
            refusals += learned.refused
        counts = Counter(row["split"] for row in rows)
        self._require_splits(origin, counts, {row["group"] for row in rows}, len(refusals))
        write_rows(workspace.out, rows, TRAINING_SET.arrow, key=TRAINING_SET.key)
        write_refusals(workspace.out / "quarantine", refusals)
        mixed = self.feedback is not None
        return report(rows, refusals, origin, over_cap, sources=self.sources, mixed=mixed)

    def _learned(
        self,
        mix: FeedbackMix,
        inputs: Mapping[str, Path],
        kept: Sequence[Candidate],
        pool: ContextPool,
        origin: str,
    ) -> FromFeedback:
        labels = read_labels(inputs["feedback"])
        wanted = {label.document_id for label in labels}
        documents: dict[str, Document] = {}
        for row in read_rows(inputs["silver"], COLUMNS) if wanted else ():
            document_id = row["document_id"]
            if document_id not in wanted or (self.context_passages and document_id not in pool):
                continue
            attributes = attributes_of(row)
            group = group_of(row, attributes, self.group_by)
            key = key_of(attributes, self.relevant_by) if origin == "labelled" else (document_id,)
            split = split_of(group, self.shares, self.seed)
            documents[document_id] = Document(row["raw_digest"], group, split, key or ())
        splits = [(one.question, split_of(one.group, self.shares, self.seed)) for one in kept]
        held_out = [question for question, split in splits if split != "train"]
        return from_feedback(labels, documents, held_out, len(kept) - len(held_out), mix)

    def _labelled(self, silver: Path) -> tuple[list[Candidate], list[Refusal]]:
        wanted = set(self.sources)
        found = [
            labelled(
                row,
                question=self.question,
                answer=self.answer,
                relevant_by=self.relevant_by,
                group_by=self.group_by,
            )
            for row in read_rows(silver, COLUMNS)
            if row["source"] in wanted
        ]
        return _separate(found)

    def _from_passages(self, silver: Path) -> tuple[list[Candidate], list[Refusal]]:
        return _separate(from_passage(row, group_by=self.group_by) for row in read_rows(silver, COLUMNS))

    def _context(self, silver: Path, origin: str) -> tuple[ContextPool, Answering]:
        """Documents that may stand in prompts, and the ids of those that answer each key in each split."""
        documents = []
        by_key: Answering = {}
        for row in read_rows(silver, COLUMNS) if self.context_passages else ():
            if origin == "labelled" and not self._is_context(row["source"]):
                continue
            attributes = attributes_of(row)
            group = group_of(row, attributes, self.group_by)
            document = context_document(row, split_of(group, self.shares, self.seed))
            key = key_of(attributes, self.relevant_by) if origin == "labelled" else (document.document_id,)
            if document.passage.text:
                documents.append(document)
                if key is not None:
                    by_key.setdefault((document.split, key), []).append(document.document_id)
        return ContextPool(documents), by_key

    def _is_context(self, source: str) -> bool:
        if self.context_sources is None:
            return source not in self.sources
        return source in self.context_sources

    def _lookup(self, candidate: Candidate) -> tuple[Split, Key]:
        return split_of(candidate.group, self.shares, self.seed), candidate.right

    def _capped(self, candidates: list[Candidate]) -> list[Candidate]:
        ranked = sorted(candidates, key=lambda one: (unit_hash(self.seed, one.uri), one.uri))
        return ranked[: self.max_examples]

    def _example(
        self, candidate: Candidate, pool: ContextPool, by_key: Answering, right: str | None = None
    ) -> dict[str, Any]:
        """`right` is the document that answers; None: the first that has the candidate's key."""
        answering = by_key.get(self._lookup(candidate), [])
        context = (
            pool.passages(
                candidate.question,
                right or answering[0],
                self.context_passages,
                seed=self.seed,
                key=candidate.document_id,
                alike=frozenset(answering),
            )
            if self.context_passages
            else []
        )
        prompt = format_prompt(candidate.question, [document.passage for document in context])
        messages = chat(prompt, candidate.answer)
        return {
            "example_id": digest_json([candidate.uri, messages]),
            "uri": candidate.uri,
            "raw_digest": candidate.raw_digest,
            "group": candidate.group,
            "split": split_of(candidate.group, self.shares, self.seed),
            "prompt": prompt,
            "completion": candidate.answer,
            "messages": json.dumps(messages, ensure_ascii=False),
            "context_uris": [document.uri for document in context],
            "origin": candidate.origin,
        }

    def _require_splits(self, origin: str, counts: Mapping[str, int], groups: set[str], refused: int) -> None:
        """Training needs examples; so does judging, which labels promise. Raises `EmptySplit`."""
        needed = ("train", "test") if origin == "labelled" else ("train",)
        for split in needed:
            if not counts.get(split):
                raise EmptySplit(
                    f"the {split} split of the training set is empty (examples: {sum(counts.values())},"
                    f" groups: {len(groups)}, documents refused: {refused}). Groups are shared out by a hash"
                    f" of their name: take more groups, or change `shares` or `seed` (now {self.seed})"
                )


def _separate(found: Iterable[Candidate | Refusal]) -> tuple[list[Candidate], list[Refusal]]:
    candidates: list[Candidate] = []
    refusals: list[Refusal] = []
    for one in found:
        if isinstance(one, Candidate):
            candidates.append(one)
        else:
            refusals.append(one)
    return candidates, refusals


def _unmatched(candidate: Candidate) -> Refusal:
    return Refusal(
        uri=candidate.uri,
        source=candidate.source,
        document_id=candidate.document_id,
        raw_digest=candidate.raw_digest,
        reason="no_matching_document",
        detail="no document for " + (" ".join(candidate.right) or "an absent key"),
        excerpt=candidate.question[:300],
    )
