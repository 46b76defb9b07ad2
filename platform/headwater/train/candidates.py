"""Which questions and answers a product's silver documents hold, before context and splits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from headwater.fingerprint import digest_json
from headwater.schemas import QUARANTINE
from headwater.tables import write_rows
from headwater.train.prompt import passage_of

STEP = "training_set"

Key = tuple[str, ...]


@dataclass(frozen=True)
class Candidate:
    """A question with its answer, not yet an example.

    `right` names the document that must stand among the prompt's passages: a key of attribute values for a
    labelled pair, the document's own id for one made from a passage. `origin` says where question and answer
    are from: `feedback` is an answer that a user wrote, `model` one of our own model that users approved.
    """

    uri: str
    source: str
    document_id: str
    raw_digest: str
    group: str
    question: str
    answer: str
    right: Key
    origin: Literal["labelled", "passage", "feedback", "model"]


@dataclass(frozen=True)
class Refusal:
    """A document, or a label, of which no example could be made, and why."""

    uri: str
    source: str
    document_id: str
    raw_digest: str | None
    reason: str
    detail: str
    excerpt: str


def attributes_of(row: Mapping[str, Any]) -> dict[str, str]:
    """The attributes of a silver row."""
    return json.loads(row["attributes"])


def key_of(attributes: Mapping[str, str], names: tuple[str, ...]) -> Key | None:
    """The values by which documents are matched, or None when one is absent or empty."""
    values = tuple(attributes.get(name, "") for name in names)
    return values if names and all(values) else None


def group_of(row: Mapping[str, Any], attributes: Mapping[str, str], group_by: str | None) -> str:
    """The attribute `group_by`, or else the first part of the path inside the source."""
    if group_by and attributes.get(group_by):
        return attributes[group_by]
    path = str(row["uri"]).removeprefix(f"{row['source']}/")
    return path.split("#", 1)[0].split("/", 1)[0] or str(row["uri"])


def labelled(
    row: Mapping[str, Any], *, question: str, answer: str, relevant_by: tuple[str, ...], group_by: str | None
) -> Candidate | Refusal:
    """The pair that a labelled document states in its attributes `question` and `answer`."""
    attributes = attributes_of(row)
    for name in (question, answer):
        if not attributes.get(name, "").strip():
            return refuse(row, "no_label", f"attribute {name} is absent or empty")
    return Candidate(
        uri=row["uri"],
        source=row["source"],
        document_id=row["document_id"],
        raw_digest=row["raw_digest"],
        group=group_of(row, attributes, group_by),
        question=attributes[question].strip(),
        answer=attributes[answer].strip(),
        right=key_of(attributes, relevant_by) or (),
        origin="labelled",
    )


def from_passage(row: Mapping[str, Any], *, group_by: str | None) -> Candidate | Refusal:
    """A pair made from a document: asked by its title and last heading, answered by its first passage."""
    answer = passage_of(row["title"], row["text"]).text
    if not answer:
        return refuse(row, "no_passage", "nothing but a title")
    title = " ".join(str(row["title"]).split()) or PurePosixPath(str(row["uri"]).split("#", 1)[0]).stem
    heading = str(row["section"]).split(" > ")[-1].strip()
    about = heading and heading.casefold() != title.casefold()
    return Candidate(
        uri=row["uri"],
        source=row["source"],
        document_id=row["document_id"],
        raw_digest=row["raw_digest"],
        group=group_of(row, attributes_of(row), group_by),
        question=f"What does {title} say about {heading}?" if about else f"What is {title} about?",
        answer=answer,
        right=(row["document_id"],),
        origin="passage",
    )


def refuse(row: Mapping[str, Any], reason: str, detail: str) -> Refusal:
    """A refusal of this silver row."""
    return Refusal(
        uri=row["uri"],
        source=row["source"],
        document_id=row["document_id"],
        raw_digest=row["raw_digest"],
        reason=reason,
        detail=detail,
        excerpt=str(row["text"])[:300],
    )


def write_refusals(folder: Path, refusals: Sequence[Refusal]) -> None:
    """Write the quarantine of the training set, ordered by uri."""
    rows = [
        {
            "refusal_id": digest_json([refusal.uri, STEP, refusal.reason]),
            "uri": refusal.uri,
            "source": refusal.source,
            "step": STEP,
            "reason": refusal.reason,
            "detail": refusal.detail,
            "raw_digest": refusal.raw_digest,
            "document_id": refusal.document_id,
            "excerpt": refusal.excerpt,
        }
        for refusal in sorted(refusals, key=lambda one: (one.uri, one.reason))
    ]
    write_rows(folder, rows, QUARANTINE.arrow, key=QUARANTINE.key)
