"""From votes to labels: who says the same, how many of them, and how many say otherwise."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from headwater.feedback.guards import Guards
from headwater.feedback.passages import Passage
from headwater.feedback.rules import Reason
from headwater.feedback.votes import Vote, plain
from headwater.fingerprint import digest_json

Topic = int
"""Number of a group of questions that are nearly the same."""


@dataclass(frozen=True)
class Proposal:
    """A vote for an answer to a topic, with the passage that supports it."""

    vote: Vote
    topic: Topic
    passage: Passage

    @property
    def claim(self) -> tuple[Topic, str, str]:
        """What others must propose to agree: the same topic, document and words."""
        return self.topic, self.passage.document_id, plain(self.vote.proposed)


@dataclass(frozen=True)
class Label:
    """Proposals of one claim, in the order of time, and the users who object to its answer."""

    proposals: Sequence[Proposal]
    against: frozenset[str]
    reviewed: bool

    @property
    def users(self) -> list[str]:
        """Those who agree, sorted."""
        return sorted({proposal.vote.user for proposal in self.proposals})

    @property
    def first(self) -> Proposal:
        """The oldest proposal."""
        return self.proposals[0]

    @property
    def label_id(self) -> str:
        """Digest of question, document and answer."""
        first = self.first
        return digest_json([first.vote.question, first.passage.document_id, first.vote.proposed])

    @property
    def strength(self) -> tuple[bool, int]:
        """A reviewed label is stronger than any other; else the votes for it less those against."""
        return self.reviewed, len(self.users) - len(self.against)

    def agreed_in(self, guards: Guards) -> str:
        """The window in which a reviewer, or the last user who was needed, spoke."""
        users: set[str] = set()
        for proposal in self.proposals:
            users.add(proposal.vote.user)
            if proposal.vote.user in guards.reviewers or len(users) >= guards.agreement:
                return proposal.vote.window
        return self.proposals[-1].vote.window


@dataclass(frozen=True)
class Agreed:
    """The labels, ordered by id, and why the other proposals are none, by feedback id."""

    labels: Sequence[Label]
    refused: Mapping[str, Reason]


def agree(
    proposals: Iterable[Proposal],
    objections: Mapping[tuple[Topic, str], frozenset[str]],
    guards: Guards,
    records: Mapping[str, int],
) -> Agreed:
    """Labels that hold against `guards`.

    `objections` maps a topic and an answer in `plain` words to the users who voted against it; `records`
    counts the records of each window. Of a topic's labels the strongest stays, and of equals none.
    """
    claims: dict[tuple[Topic, str, str], list[Proposal]] = defaultdict(list)
    for proposal in sorted(proposals, key=lambda one: one.vote.order):
        claims[proposal.claim].append(proposal)
    refused: dict[str, Reason] = {}
    standing: dict[Topic, list[Label]] = defaultdict(list)
    for (topic, _, answer), group in claims.items():
        label, reason = _judged(group, objections.get((topic, answer), frozenset()), guards)
        if reason is not None:
            _refuse(refused, label, reason)
        else:
            standing[topic].append(label)
    kept = [label for labels in standing.values() for label in _strongest(labels, refused)]
    within = _within_batch(kept, refused, guards, records)
    return Agreed(sorted(within, key=lambda label: label.label_id), refused)


def _judged(
    group: Sequence[Proposal], against: frozenset[str], guards: Guards
) -> tuple[Label, Reason | None]:
    users = {proposal.vote.user for proposal in group}
    reviewers = set(guards.reviewers)
    label = Label(group, against - users, reviewed=bool(users & reviewers))
    if label.reviewed:
        return label, None
    if label.against & reviewers:
        return label, Reason("disputed", "a reviewer is against it")
    if len(users) < guards.agreement:
        return label, Reason("too_few_users", f"{len(users)} of {guards.agreement} who must agree")
    if len(users) - len(label.against) < guards.agreement:
        return label, Reason("disputed", f"{len(users)} users for it, {len(label.against)} against")
    return label, None


def _strongest(labels: Sequence[Label], refused: dict[str, Reason]) -> list[Label]:
    best = max(label.strength for label in labels)
    at_best = [label for label in labels if label.strength == best]
    for label in labels:
        if label.strength != best:
            _refuse(refused, label, Reason("outvoted", "more users agree on another answer"))
        elif len(at_best) > 1:
            _refuse(refused, label, Reason("disputed", f"{len(at_best)} answers have equally many users"))
    return at_best if len(at_best) == 1 else []


def _within_batch(
    labels: Sequence[Label], refused: dict[str, Reason], guards: Guards, records: Mapping[str, int]
) -> list[Label]:
    kept: list[Label] = []
    counts: Counter[str] = Counter()
    for label in sorted(labels, key=_preferred):
        window = label.agreed_in(guards)
        most = max(1, min(guards.batch_labels, int(guards.batch_share * records[window])))
        if counts[window] == most:
            _refuse(refused, label, Reason("batch_over_cap", f"more than {most} labels from {window}"))
            continue
        counts[window] += 1
        kept.append(label)
    return kept


def _preferred(label: Label) -> tuple[bool, int, str]:
    reviewed, votes = label.strength
    return not reviewed, -votes, label.label_id


def _refuse(refused: dict[str, Reason], label: Label, reason: Reason) -> None:
    for proposal in label.proposals:
        refused[proposal.vote.feedback_id] = reason
