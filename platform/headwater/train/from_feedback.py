"""Labels that users agreed on, as further examples to train on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from headwater.tables import read_rows
from headwater.train.candidates import Candidate, Key, Refusal
from headwater.train.splits import Split

SOURCE = "feedback"
"""Stands where the name of a source does: a label's uri is feedback/<label id>."""
HUMAN, MODEL = "feedback", "model"
"""Origins of such examples; the second marks an answer that the model wrote."""
EXCERPT = 300


class FeedbackMix(BaseModel):
    """How much of what is trained on may come from users.

    Both are shares of the train split with the labels in it. Models that are trained on what models wrote
    lose the rare cases first (Shumailov et al., AI models collapse when trained on recursively generated
    data, Nature 631, 2024), and data that people wrote must stay the bulk of the mix.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_share: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        default=0.1, description="Most of the examples that may come from feedback"
    )
    max_model_share: Annotated[float, Field(ge=0.0, le=0.2)] = Field(
        default=0.2, description="Most of the examples that the model may have written"
    )
    held_out_similarity: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        default=0.7, description="From here a question is one of the validation or test split"
    )


@dataclass(frozen=True)
class Document:
    """A document that labels name. Those of the same `right` answer the same."""

    raw_digest: str
    group: str
    split: Split
    right: Key


@dataclass(frozen=True)
class FromFeedback:
    """Candidates for the train split, each with the document that answers it, and what is not taken."""

    taken: Sequence[tuple[Candidate, str]]
    refused: Sequence[Refusal]


@dataclass(frozen=True)
class Label:
    """A row of the dataset of labels, as far as it matters here."""

    label_id: str
    question: str
    answer: str
    origin: str
    document_id: str
    votes: int
    against: int
    reviewed: bool

    @property
    def preference(self) -> tuple[bool, bool, int, str]:
        """Sorts reviewed labels first, then what people wrote, then what most agree on."""
        return not self.reviewed, self.origin == MODEL, self.against - self.votes, self.label_id


_LABEL = tuple(Label.__dataclass_fields__)


def read_labels(feedback: Path) -> list[Label]:
    """The labels of the asset `feedback`, those first that are to be preferred."""
    return sorted((Label(**row) for row in read_rows(feedback, _LABEL)), key=lambda label: label.preference)


def from_feedback(
    labels: Sequence[Label],
    documents: Mapping[str, Document],
    held_out: Sequence[str],
    examples: int,
    mix: FeedbackMix,
) -> FromFeedback:
    """The labels that may be trained on beside `examples` others.

    `documents` are those that may stand in prompts, by id; `held_out` the questions of the other splits.
    """
    refused: list[Refusal] = []
    fit: list[Label] = []
    near = _held_out(labels, held_out, mix)
    for label in labels:
        document = documents.get(label.document_id)
        if document is None:
            detail = f"no document {label.document_id[:12]} to read"
            refused.append(_refuse(label, "no_matching_document", detail))
        elif document.split != "train":
            detail = f"{document.group} is in the {document.split} split"
            refused.append(_refuse(label, "held_out_group", detail))
        elif label.label_id in near:
            refused.append(_refuse(label, "held_out_question", near[label.label_id]))
        else:
            fit.append(label)
    kept = _capped(fit, examples, mix, refused)
    return FromFeedback([(_candidate(label, documents), label.document_id) for label in kept], refused)


def _held_out(labels: Sequence[Label], questions: Sequence[str], mix: FeedbackMix) -> dict[str, str]:
    if not labels or not questions:
        return {}
    from headwater.curate.dedup.nearest import Nearest

    matches = Nearest(questions).matches([label.question for label in labels])
    return {
        label.label_id: f"{match.similarity:.2f} like {questions[match.place][:80]!r}"
        for label, match in zip(labels, matches, strict=True)
        if match is not None and match.similarity >= mix.held_out_similarity
    }


def _capped(labels: Sequence[Label], examples: int, mix: FeedbackMix, refused: list[Refusal]) -> list[Label]:
    """The first labels that the caps leave room for: a share s of a whole is s / (1 - s) of the rest."""
    most = _beside(mix.max_share, examples)
    human = min(most, sum(label.origin != MODEL for label in labels))
    most_model = _beside(mix.max_model_share, examples + human)
    kept: list[Label] = []
    model_made = 0
    for label in labels:
        if len(kept) == most:
            detail = f"more than {most} labels beside {examples} examples ({mix.max_share:g} of the mix)"
            refused.append(_refuse(label, "feedback_over_cap", detail))
        elif label.origin == MODEL and model_made == most_model:
            detail = f"more than {most_model} answers of the model ({mix.max_model_share:g} of the mix)"
            refused.append(_refuse(label, "model_made_over_cap", detail))
        else:
            model_made += label.origin == MODEL
            kept.append(label)
    return kept


def _beside(share: float, others: int) -> int:
    """How many more make `share` of the whole; the small addend is for products such as 1 / 9 * 9."""
    return int(share / (1 - share) * others + 1e-9)


def _candidate(label: Label, documents: Mapping[str, Document]) -> Candidate:
    document = documents[label.document_id]
    return Candidate(
        uri=f"{SOURCE}/{label.label_id}",
        source=SOURCE,
        document_id=label.label_id,
        raw_digest=document.raw_digest,
        group=document.group,
        question=label.question,
        answer=label.answer,
        right=document.right,
        origin=MODEL if label.origin == MODEL else HUMAN,
    )


def _refuse(label: Label, reason: str, detail: str) -> Refusal:
    return Refusal(
        uri=f"{SOURCE}/{label.label_id}",
        source=SOURCE,
        document_id=label.document_id,
        raw_digest=None,
        reason=reason,
        detail=detail,
        excerpt=label.question[:EXCERPT],
    )
