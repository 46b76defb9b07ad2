"""Batch inference as an asset: a file of questions in, a dataset of cited answers out.

The work is that of `headwater generate`, so a build that was killed goes on with what it had answered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from headwater.curate.quarantine import Quarantine, Refusal
from headwater.fingerprint import digest_json, digest_text
from headwater.schemas import BATCH_ANSWERS
from headwater.serve.batch import Question, generate, why_refused
from headwater.serve.released import MAX_ANSWER_TOKENS, NotReleased, Released
from headwater.tables import read_rows, write_rows
from headwater.workspace import Produced, Workspace

STEP = "answer"
SOURCE = "input"
PARTS = ("index", "base_model", "model", "profile")
"""What answers are made from. A release may have no profile."""


class BatchLimits(BaseModel):
    """Bounds of one batch. Raises `ValueError` that names the field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    questions: int = Field(default=10_000, ge=1, description="Different questions; further ones are refused")
    answer_tokens: int = Field(
        default=MAX_ANSWER_TOKENS, ge=1, le=4096, description="Most tokens that a line may ask for"
    )


@dataclass(frozen=True)
class Asked:
    """The release that answers. `made_with` is the digest of its parts and of the code."""

    release: str
    commit: str
    made_with: str


def input_name(asset: str) -> str:
    """Under which name a part of the release is an input: the product has others of its own."""
    return f"production_{asset}"


@dataclass(frozen=True)
class GivenParts:
    """Parts of a release among a maker's inputs."""

    workspace: Workspace

    def folder(self, asset: str) -> Path:
        """The files of one. Raises `NotReleased` where it was not given."""
        found = self.workspace.inputs.get(input_name(asset))
        if found is None:
            raise NotReleased(f"the release has no {asset}")
        return found

    def version(self, asset: str) -> str | None:
        """The data version of one."""
        return self.workspace.versions.get(input_name(asset))


@dataclass
class _Line:
    """A question, where it stands first, and how many lines ask it."""

    number: int
    question: Question
    asked: int = 1


@dataclass(frozen=True)
class AnswersMaker:
    """Answers each different question of `source` once; equal lines share a row.

    Answers of the previous version to the same question, made by the same release with the same code, are
    taken over. Lines that are no question, or beyond a limit, are quarantined.
    """

    product: str
    source: Path
    limits: BatchLimits
    asked: Asked

    def __call__(self, workspace: Workspace) -> Produced:
        """Write BATCH_ANSWERS and the quarantine. Raises `FileNotFoundError` without the input."""
        if not self.source.is_file():
            raise FileNotFoundError(f"input {self.source} is no file: write one question a line, as JSON")
        with Quarantine(workspace.scratch / "answers-quarantine.jsonl") as quarantine:
            lines = self._lines(quarantine)
            known = self._known(workspace.previous, lines)
            made = self._answer(workspace, {key: line for key, line in lines.items() if key not in known})
            rows: list[Mapping[str, Any]] = []
            for key, line in lines.items():
                row = known.get(key) or made[key]
                if "error" in row:
                    quarantine.add(self._refusal(line.number, "prompt_too_long", row["error"], line.question))
                else:
                    rows.append({**row, "asked": line.asked})
            count = write_rows(workspace.out, rows, BATCH_ANSWERS.arrow, key=BATCH_ANSWERS.key)
            quarantine.write(workspace.out / "quarantine")
            return Produced(
                rows=count,
                metrics={
                    "questions": sum(line.asked for line in lines.values()),
                    "answered": sum(row["answerable"] is not False for row in rows),
                    "uncovered": sum(row["answerable"] is False for row in rows),
                    "computed": len(made),
                    "taken_over": len(known),
                },
                refused=quarantine.by_reason,
                tables={"refused": quarantine.samples},
                text={"release": f"{self.asked.release} at {self.asked.commit}"},
            )

    def _lines(self, quarantine: Quarantine) -> dict[str, _Line]:
        """The different questions by their id, in the order of the file."""
        found: dict[str, _Line] = {}
        with self.source.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    question = Question.model_validate_json(line)
                except ValidationError as error:
                    text = line.decode("utf-8", "replace").strip()
                    quarantine.add(self._refusal(number, "not_a_question", why_refused(error), text))
                    continue
                key = digest_json(question.model_dump(mode="json"))
                if key in found:
                    found[key].asked += 1
                elif question.max_tokens > self.limits.answer_tokens:
                    told = f"max_tokens {question.max_tokens}; limit {self.limits.answer_tokens}"
                    quarantine.add(self._refusal(number, "too_many_tokens", told, question))
                elif len(found) == self.limits.questions:
                    told = f"limit {self.limits.questions:,} different questions"
                    quarantine.add(self._refusal(number, "too_many_questions", told, question))
                else:
                    found[key] = _Line(number, question)
        return found

    def _refusal(self, number: int, reason: str, detail: str, about: Question | str) -> Refusal:
        excerpt = about if isinstance(about, str) else about.question
        uri = f"{SOURCE}/{self.source.name}#line-{number}"
        return Refusal(uri, SOURCE, STEP, reason, detail, excerpt=excerpt)

    def _known(self, previous: Path | None, lines: Mapping[str, _Line]) -> dict[str, dict[str, Any]]:
        if previous is None:
            return {}
        return {
            row["answer_id"]: row
            for row in read_rows(previous)
            if row["made_with"] == self.asked.made_with and row["answer_id"] in lines
        }

    def _answer(self, workspace: Workspace, lines: Mapping[str, _Line]) -> dict[str, dict[str, Any]]:
        """Answers of questions that nobody answered yet; with an `error` where the prompt is too long."""
        if not lines:
            return {}
        released = Released(self.product, self.asked.commit, self.asked.release, GivenParts(workspace))
        text = "".join(f"{line.question.model_dump_json()}\n" for line in lines.values())
        # Named by content: a build after a kill continues the answers to this very file.
        begun = workspace.scratch / f"questions-{digest_text(text)[:16]}.jsonl"
        begun.write_text(text, encoding="utf-8")
        target = begun.with_suffix(".answers")
        generate(released, begun, target, report=lambda done: workspace.progress("answers", done, len(lines)))
        return {key: self._row(key, row) for key, row in zip(lines, _json_lines(target), strict=True)}

    def _row(self, key: str, made: Mapping[str, Any]) -> dict[str, Any]:
        if "error" in made:
            return dict(made)
        return {
            "answer_id": key,
            "id": None if made["id"] is None else str(made["id"]),
            "question": made["question"],
            "answer": made["answer"],
            "citations": made["citations"],
            "answerable": made["answerable"],
            "similarity": made["top_similarity"],
            "finish_reason": made["finish_reason"],
            "completion_tokens": made["completion_tokens"],
            "release": self.asked.release,
            "commit": self.asked.commit,
            "made_with": self.asked.made_with,
        }


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
