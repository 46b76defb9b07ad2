"""Maker of the questions that judge retrieval."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from headwater.fingerprint import digest_text
from headwater.index.known_items import known_items
from headwater.schemas import QUESTIONS
from headwater.tables import read_rows, write_rows
from headwater.workspace import Produced, Workspace


class QuestionsMaker(BaseModel):
    """Inputs `silver` and `chunks`; writes the questions dataset ordered by uri.

    A labelled question is an attribute of a document of `sources`; the chunks that answer it are those of
    documents with the same values of all `relevant_by` attributes. Without a labelled question, known-item
    questions are made from the chunks themselves (see `known_items`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: tuple[str, ...] = Field(default=(), description="Sources whose documents are labelled questions")
    question: str = Field(default="question", min_length=1, description="Attribute that holds the question")
    relevant_by: tuple[str, ...] = Field(
        default=(), description="Attributes on which a question's document and the answering one agree"
    )
    group_by: str | None = Field(
        default=None,
        description="Attribute whose questions belong together in intervals; null: the uri's first folder",
    )
    known_items: int = Field(
        default=500, ge=0, description="Most known-item questions when there is no labelled one"
    )

    @model_validator(mode="after")
    def _labels_need_a_match(self) -> QuestionsMaker:
        if self.sources and not self.relevant_by:
            raise ValueError("relevant_by: expected at least one attribute, because `sources` are given")
        return self

    def __call__(self, workspace: Workspace) -> Produced:
        """Questions without an answering chunk are counted as `unanswerable` and not kept."""
        silver, chunks = workspace.inputs["silver"], workspace.inputs["chunks"]
        asked = sorted(self._labelled(silver), key=lambda row: (row["uri"], row["text"]))
        answers = _chunks_by(chunks, self.relevant_by, {row["label"] for row in asked})
        questions = [_row(row, answers[row["label"]], "labelled") for row in asked if row["label"] in answers]
        text: dict[str, str] = {}
        if not questions:
            questions = [_row(row, [row["chunk_id"]], "known_item") for row in self._known(chunks)]
            text["origin"] = self._explain(len(asked), len(questions))
        questions = _merged(questions)
        rows = write_rows(workspace.out, questions, QUESTIONS.arrow, key="question_id")
        return Produced(
            rows=rows,
            metrics={
                "labelled": len(asked),
                "unanswerable": sum(row["label"] not in answers for row in asked),
                "groups": len({row["group"] for row in questions}),
                "known_items": sum(row["origin"] == "known_item" for row in questions),
            },
            text=text,
        )

    def _labelled(self, silver: Path) -> Iterator[dict[str, Any]]:
        for row in read_rows(silver, ["uri", "source", "attributes"]):
            if row["source"] not in self.sources:
                continue
            attributes: dict[str, str] = json.loads(row["attributes"])
            question = attributes.get(self.question, "").strip()
            label = _label(attributes, self.relevant_by)
            if question and label is not None:
                group = group_of(row["uri"], attributes, self.group_by)
                yield {"uri": row["uri"], "text": question, "label": label, "group": group}

    def _known(self, chunks: Path) -> Iterator[dict[str, Any]]:
        for item in known_items(chunks, most=self.known_items):
            group = group_of(item.uri, json.loads(item.attributes), self.group_by)
            yield {"uri": item.uri, "text": item.sentence, "chunk_id": item.chunk_id, "group": group}

    def _explain(self, labelled: int, made: int) -> str:
        why = "No labelled source is configured."
        if self.sources:
            names = ", ".join(self.sources)
            why = f"None of the {labelled} labelled questions of {names} has an answering chunk."
        return (
            f"{why} {made} known-item questions were made instead: a sentence of a passage is the question, "
            "its document the answer. They measure whether a passage finds itself, which is easier than "
            "answering people, above all for word search; compare them only with their like."
        )


def group_of(uri: str, attributes: Mapping[str, str], group_by: str | None) -> str:
    """The value of the attribute, or the first folder of the uri below its source."""
    if group_by is not None and attributes.get(group_by):
        return attributes[group_by]
    folders = uri.partition("#")[0].split("/")
    return "/".join(folders[:2]) if len(folders) > 2 else folders[0]


def _label(attributes: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, ...] | None:
    values = tuple(attributes.get(name, "") for name in names)
    return values if values and all(values) else None


def _chunks_by(
    chunks: Path, names: tuple[str, ...], wanted: set[tuple[str, ...]]
) -> dict[tuple[str, ...], list[str]]:
    found: dict[tuple[str, ...], list[str]] = {}
    if wanted:
        for row in read_rows(chunks, ["chunk_id", "attributes"]):
            label = _label(json.loads(row["attributes"]), names)
            if label in wanted:
                found.setdefault(label, []).append(row["chunk_id"])
    return found


def _merged(questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each question once: a sentence in several passages of a document is answered by all of them."""
    found: dict[str, dict[str, Any]] = {}
    for row in questions:
        first = found.setdefault(row["question_id"], row)
        first["relevant_chunk_ids"] = sorted({*first["relevant_chunk_ids"], *row["relevant_chunk_ids"]})
    return list(found.values())


def _row(row: Mapping[str, Any], chunk_ids: list[str], origin: str) -> dict[str, Any]:
    return {
        "question_id": digest_text(f"{row['uri']}\n{row['text']}"),
        "text": row["text"],
        "group": row["group"],
        "uri": row["uri"],
        "relevant_chunk_ids": sorted(chunk_ids),
        "origin": origin,
    }
