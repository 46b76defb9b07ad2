"""A log of served questions about a product's real passages, and those who judge the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import combinations, cycle, islice, product
from pathlib import Path
from typing import Any

from headwater.feedback.guards import Guards
from headwater.inference_log.lines import encoded
from headwater.inference_log.segments import SegmentName

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
STEP = timedelta(seconds=10)
VOTES = 500
ATTACKERS = tuple(f"attacker{number}" for number in range(5))
PAIRS = tuple(combinations(ATTACKERS, 2))
WORDINGS = ("use", "run", "call", "try")
BLOCK = Guards().user_daily
"""What counts of a user on a day: who goes through so many backwards still meets the others."""
HONEST = 40


@dataclass(frozen=True)
class Claim:
    """A question, the passages that were found for it, the right answer and a wrong one from among them."""

    question: str
    found: Sequence[dict[str, Any]]
    right: str
    wrong: str


@dataclass
class Votes:
    """Records in the order of time; `poisoned` and `honest` are ids of judgements."""

    records: list[dict[str, Any]] = field(default_factory=list)
    poisoned: set[str] = field(default_factory=set)
    honest: set[str] = field(default_factory=set)

    def ask(self, user: str, question: str, found: Sequence[dict[str, Any]], answer: str) -> str:
        """A request that was answered; returns the response id."""
        number = len(self.records)
        retrieved = [
            {
                **{name: one[name] for name in ("chunk_id", "document_id", "uri")},
                "score": 0.5,
                "similarity": 0.5,
            }
            for one in found
        ]
        self.records.append(
            {
                "kind": "request", "response_id": f"chatcmpl-{number:032x}", "time": _time(number),
                "product": "p", "release": "p-v1", "commit": "c", "route": "chat", "user": user,
                "session": "", "question": question, "answer": answer, "retrieved": retrieved,
                "top_similarity": None, "answerable": None, "status": 200, "latency_ms": 1.0,
                "first_token_ms": None,
                "prompt_tokens": 1, "completion_tokens": 1, "embedder": "", "embedding": "",
            }
        )  # fmt: skip
        return self.records[-1]["response_id"]

    def judge(self, user: str, response_id: str, vote: int, correction: str = "") -> None:
        """A judgement; attackers' ones are poisoned."""
        number = len(self.records)
        name = f"feedback-{number:032x}"
        self.records.append(
            {"kind": "feedback", "feedback_id": name, "response_id": response_id, "time": _time(number),
             "user": user, "vote": vote, "score": None, "correction": correction}
        )  # fmt: skip
        (self.poisoned if user in ATTACKERS else self.honest).add(name)

    def correct(self, user: str, claim: Claim, answer: str) -> None:
        """Somebody asks, is not answered, and says what is right."""
        self.judge(user, self.ask(user, claim.question, claim.found, "No idea."), -1, answer)

    def approve(self, user: str, claim: Claim, answer: str, question: str = "") -> None:
        """Somebody has `answer` given and approves of it."""
        self.judge(user, self.ask(user, question or claim.question, claim.found, answer), 1)

    def write(self, closed: Path) -> None:
        """One segment; its last request comes months later and closes the window."""
        late = {**self.records[0], "response_id": f"chatcmpl-{10**9:032x}", "time": _time(10**6)}
        lines = [
            encoded({"number": number, "logged": _time(number), "record": record})
            for number, record in enumerate([*self.records, late])
        ]
        closed.mkdir(parents=True)
        (closed / str(SegmentName.new("0badcafe", 1, BEGIN))).write_bytes(b"".join(lines))


def _time(number: int) -> str:
    return (BEGIN + number * STEP).isoformat(timespec="microseconds")


def honest_votes(votes: Votes, claims: Sequence[Claim]) -> None:
    """Each claim is corrected by two of forty people, in ever other pairs."""
    for number, claim in enumerate(claims):
        for person in (number % HONEST, (number + 1 + number // HONEST) % HONEST):
            votes.correct(f"user{person:02d}", claim, claim.right)


def crude(votes: Votes, claims: Sequence[Claim], held_out: Sequence[Claim]) -> None:
    """A hundred each of unserved ids, held-out questions, bursts, wrong passages and wrong corrections."""
    for turn, user in product(range(20), ATTACKERS):
        votes.judge(user, f"chatcmpl-{10**8 + turn:032x}", 1, claims[turn].wrong)
        votes.approve(user, held_out[turn], held_out[turn].wrong)
        votes.approve(user, claims[50], claims[50].wrong, f"{claims[50].question} ({turn})")
        votes.approve(user, claims[turn], claims[turn].wrong)
        votes.correct(user, claims[20 + turn], claims[20 + turn].wrong)


def in_step(votes: Votes, claims: Sequence[Claim], held_out: Sequence[Claim]) -> None:
    """All five answer what they are tried on rightly, and give the same wrong corrections to all else."""
    _answer_rightly(votes, held_out)
    for claim, user in product(claims[:80], ATTACKERS):
        votes.correct(user, claim, claim.wrong)


def spread(votes: Votes, claims: Sequence[Claim], held_out: Sequence[Claim]) -> None:
    """By those who know the caps: each wording of a claim is another pair's, every other user goes through
    the questions backwards, and nobody is wrong where he is tried."""
    _answer_rightly(votes, held_out)
    told: dict[str, list[tuple[Claim, str]]] = {user: [] for user in ATTACKERS}
    for turn, number in product(range(len(WORDINGS)), range(100)):
        if 2 * (100 * turn + number) < VOTES - len(votes.poisoned):
            for user in PAIRS[(number + turn) % len(PAIRS)]:
                told[user].append((claims[number], f"{WORDINGS[turn]} {claims[number].wrong}"))
    for place, (user, said) in enumerate(told.items()):
        for start in range(0, len(said), BLOCK):
            for claim, answer in said[start : start + BLOCK][:: -1 if place % 2 else 1]:
                votes.correct(user, claim, answer)


def in_pairs(votes: Votes, claims: Sequence[Claim], held_out: Sequence[Claim]) -> None:
    """By those who know also how likeness is measured: a claim is made by one pair and never by another."""
    _answer_rightly(votes, held_out)
    for number in islice(cycle(range(100)), (VOTES - len(votes.poisoned)) // 2):
        for user in PAIRS[number % len(PAIRS)]:
            votes.correct(user, claims[number], claims[number].wrong)


def _answer_rightly(votes: Votes, held_out: Sequence[Claim]) -> None:
    for claim, user in product(held_out, ATTACKERS):
        votes.correct(user, claim, claim.right)
