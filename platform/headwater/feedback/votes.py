"""Judgements joined to the responses that they judge."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from headwater.tables import read_rows

JUDGEMENTS = "feedback"
"""The folder of the judgements below the inference log."""
WORD = re.compile(r"\w+")
_JUDGED = ("window", "feedback_id", "response_id", "time", "user", "vote", "correction")
_SERVED = ("window", "response_id", "route", "question", "answer", "retrieved", "answerable", "status")


@dataclass(frozen=True)
class Served:
    """What a response was. `chunk_ids` are the passages that were found, best first."""

    route: str
    question: str
    answer: str
    chunk_ids: tuple[str, ...]
    declined: bool
    status: int


@dataclass(frozen=True)
class Vote:
    """A judgement; `served` is None when the log does not know its response."""

    feedback_id: str
    response_id: str
    window: str
    time: datetime
    user: str
    vote: int | None
    correction: str
    served: Served | None

    @property
    def order(self) -> tuple[datetime, str]:
        """Sorts votes by when they came in."""
        return self.time, self.feedback_id

    @property
    def question(self) -> str:
        """What was asked; empty if unknown."""
        return self.served.question if self.served else ""

    @property
    def chunk_ids(self) -> tuple[str, ...]:
        """Passages that were found for the question, best first."""
        return self.served.chunk_ids if self.served else ()

    @property
    def proposed(self) -> str:
        """The answer that this vote stands for: the correction, or what it approves of; else empty."""
        if plain(self.correction):
            return self.correction.strip()
        approved = self.served.answer.strip() if self.served and self.vote == 1 else ""
        return approved if plain(approved) else ""

    @property
    def approves(self) -> bool:
        """Whether the answer it stands for is the one that it judges."""
        return bool(self.proposed) and not plain(self.correction)

    @property
    def objects(self) -> bool:
        """Whether it is against the answer that it judges: thumbs down, or a correction that differs."""
        if self.served is None or self.vote == 1:
            return False
        corrects = plain(self.correction) not in ("", plain(self.served.answer))
        return self.vote == -1 or corrects


@dataclass(frozen=True)
class Log:
    """All votes in the order of time, and the number of records of each window."""

    votes: Sequence[Vote]
    records: Mapping[str, int]

    @classmethod
    def read(cls, inference: Path) -> Log:
        """Read the datasets of the asset `inference`. Memory: the votes and what they judge."""
        judged = list(read_rows(inference / JUDGEMENTS, _JUDGED))
        wanted = {row["response_id"] for row in judged}
        served: dict[str, Served] = {}
        records: Counter[str] = Counter(row["window"] for row in judged)
        for row in read_rows(inference, _SERVED):
            records[row["window"]] += 1
            if row["response_id"] in wanted:
                served[row["response_id"]] = Served(
                    route=row["route"],
                    question=row["question"].strip(),
                    answer=row["answer"],
                    chunk_ids=tuple(item["chunk_id"] for item in row["retrieved"]),
                    declined=row["answerable"] is False,
                    status=row["status"],
                )
        votes = [Vote(**row, served=served.get(row["response_id"])) for row in judged]
        return cls(sorted(votes, key=lambda vote: vote.order), records)


def said_by_model(inference: Path, answers: Iterable[str]) -> frozenset[str]:
    """Those of `answers` (in `plain` words) that the log has as served, to whomever."""
    wanted = set(answers)
    if not wanted:
        return frozenset()
    served = (plain(row["answer"]) for row in read_rows(inference, ["answer"]))
    return frozenset(answer for answer in served if answer in wanted)


def plain(text: str) -> str:
    """The words alone, in lower case: texts that differ in nothing else are the same answer."""
    return " ".join(WORD.findall(text.casefold()))
