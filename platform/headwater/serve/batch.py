"""Batch inference: a file of questions in, a file of cited answers out; continued after a kill."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from headwater.serve.answerable import NOT_COVERED
from headwater.serve.decoding import Sampling, pieces
from headwater.serve.limits import Limits
from headwater.serve.prompting import Message, conversation_tokens
from headwater.serve.released import MAX_ANSWER_TOKENS, Released

LONGEST_QUESTION = 100_000
LONGEST_PROMPT = Limits().prompt_tokens
"""In tokens, passages included: what the service takes as well, unless it was told otherwise."""


class Question(BaseModel):
    """One line of the input."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str = Field(max_length=LONGEST_QUESTION)
    id: str | int | None = None
    max_tokens: int = Field(default=MAX_ANSWER_TOKENS, ge=1, le=4096)
    temperature: float = Field(default=0.0, ge=0.0, le=2.0)
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    seed: int = Field(default=0, ge=0, lt=2**63)
    stop: tuple[str, ...] = ()

    @field_validator("question")
    @classmethod
    def _not_blank(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("must not be blank")
        return value


@dataclass(frozen=True)
class Outcome:
    """Counts over the whole output. `refused` lines were no questions, `uncovered` ones got no answer."""

    lines: int
    answered: int
    uncovered: int
    refused: int
    continued_from: int


class OtherOutput(ValueError):
    """The output was begun with another release or another input."""


def generate(
    released: Released, source: Path, target: Path, *, report: Callable[[int], None] | None = None
) -> Outcome:
    """Answer each line of `source` with one line of `target`, in order; blank lines are passed over.

    A line that is no question gets `error` instead of an answer, and the rest goes on. What a kill left of
    `target` is kept up to its last whole line, so that the file is the same, byte for byte, however often it
    was interrupted. Raises `OtherOutput` when `target` holds answers of another commit or to another input.
    """
    done = _resume(target, released, source)
    counts = {"answered": 0, "uncovered": 0, "refused": 0}
    with target.open("r+b" if target.exists() else "wb") as out:
        for row in _rows(out, done):
            counts[_kind(row)] += 1
        for number, line in _numbered(source, after=done):
            row = _answer(released, number, line)
            counts[_kind(row)] += 1
            out.write((json.dumps(row, ensure_ascii=False) + "\n").encode())
            out.flush()
            if report is not None:
                report(sum(counts.values()))
        os.fsync(out.fileno())
    return Outcome(sum(counts.values()), continued_from=done, **counts)


def why_refused(error: ValidationError) -> str:
    """The first thing that is wrong with a line, with the name of the field where one is to blame."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]


def _answer(released: Released, number: int, line: bytes) -> dict[str, Any]:
    head = {"line": number, "release": released.release, "commit": released.commit}
    try:
        asked = Question.model_validate_json(line)
    except ValidationError as error:
        return {**head, "error": why_refused(error)}
    found = released.retrieve(asked.question)
    text, tokens, finish = NOT_COVERED, 0, "stop"
    if found.answerable is not False:
        message = Message("user", asked.question)
        prompt = conversation_tokens(released.model.tokenizer, [message], found.prompt)
        if len(prompt) > LONGEST_PROMPT:
            return {**head, "error": f"question: the prompt has {len(prompt):,} of {LONGEST_PROMPT:,} tokens"}
        sampling = Sampling(asked.max_tokens, asked.temperature, asked.top_p, asked.seed, asked.stop)
        made = list(pieces(released.model, prompt, sampling))
        text = "".join(piece.text for piece in made).strip()
        tokens, finish = made[-1].tokens, made[-1].finish or "length"
    cited = [
        {key: value for key, value in asdict(item).items() if key != "commit"} for item in found.citations
    ]
    return {
        **head,
        "id": asked.id,
        "question": asked.question,
        "answer": text,
        "answerable": found.answerable,
        "top_similarity": found.top_similarity,
        "finish_reason": finish,
        "completion_tokens": tokens,
        "citations": cited,
    }


def _kind(row: dict[str, Any]) -> str:
    if "error" in row:
        return "refused"
    return "uncovered" if row["answerable"] is False else "answered"


def _numbered(source: Path, *, after: int) -> Iterator[tuple[int, bytes]]:
    with source.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if number > after and line.strip():
                yield number, line


def _rows(out: Any, done: int) -> Iterator[dict[str, Any]]:
    """Rows that stand in the open output, which is cut after them: the next line goes there."""
    end = 0
    if done:
        while (line := out.readline()).endswith(b"\n"):
            end += len(line)
            yield json.loads(line)
    out.seek(end)
    out.truncate()


def _resume(target: Path, released: Released, source: Path) -> int:
    """Number of the last input line that has its answer in `target`; 0 to begin anew."""
    if not target.exists():
        return 0
    last: dict[str, Any] | None = None
    with target.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                break
            try:
                last = json.loads(line)
                if not isinstance(last, dict) or "commit" not in last:
                    raise ValueError
            except ValueError:
                raise OtherOutput(f"{target.name} is no output of this command: give another name") from None
            if last["commit"] != released.commit:
                raise OtherOutput(
                    f"{target.name} was begun with {last['release'] or 'commit'} ({last['commit'][:12]}): "
                    f"continue it with --ref {last['commit']}, or give another name"
                )
    if last is None:
        return 0
    asked = next(_numbered(source, after=last["line"] - 1), (0, b""))
    if asked[0] != last["line"] or ("question" in last and last["question"] not in _texts(asked[1])):
        raise OtherOutput(f"{target.name} answers another input than {source.name}: give another name")
    return int(last["line"])


def _texts(line: bytes) -> list[Any]:
    try:
        return [Question.model_validate_json(line).question]
    except ValidationError:
        return []
