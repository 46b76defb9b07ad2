"""From votes to labels: who says the same, how many of them, and how many say otherwise."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from headwater.feedback.guards import Guards
from headwater.feedback.passages import Passage
from headwater.feedback.rules import Reason
from headwater.feedback.voices import Said, Voices
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
    """Proposals of one claim, in the order of time; the voices for it, and those against its answer."""

    proposals: Sequence[Proposal]
    votes: int
    against: int
    reviewed: bool
    window: str
    """The window in which a reviewer, or the last voice that was needed, spoke."""

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
        return self.reviewed, self.votes - self.against


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
    uncapped: Said,
) -> Agreed:
    """Labels that hold against `guards`.

    `objections` maps a topic and an answer in `plain` words to the users who voted against it; `records`
    counts the records of each window. Who is one voice is seen in what users said before the caps
    (`uncapped`), and again in `proposals`: caps that leave little must not hide that users say the same, nor
    must what is over the caps, and costs nothing, hide that all which counts is the same.

    Of labels of one topic and document the strongest stays, and of those of one question; of equals none. A
    topic alone makes no rivals: questions that differ in one word ("create", "delete") are nearly the same
    text, and lead to different documents.
    """
    claims: dict[tuple[Topic, str, str], list[Proposal]] = defaultdict(list)
    for proposal in sorted(proposals, key=lambda one: one.vote.order):
        claims[proposal.claim].append(proposal)
    counted: defaultdict[Hashable, set[str]] = defaultdict(set)
    for (topic, document_id, _), group in claims.items():
        counted[topic, document_id].update(one.vote.user for one in group)
    voices = Voices([uncapped, counted], guards)
    refused: dict[str, Reason] = {}
    standing: list[Label] = []
    for (topic, _, answer), group in claims.items():
        label, reason = _judged(group, objections.get((topic, answer), frozenset()), voices, guards)
        if reason is not None:
            _refuse(refused, label, reason)
        else:
            standing.append(label)
    standing = _strongest(standing, lambda label: label.first.claim[:2], refused)
    standing = _strongest(standing, lambda label: plain(label.first.vote.question), refused)
    within = _within_batch(standing, refused, guards, records)
    return Agreed(sorted(within, key=lambda label: label.label_id), refused)


def _judged(
    group: Sequence[Proposal], objecting: frozenset[str], voices: Voices, guards: Guards
) -> tuple[Label, Reason | None]:
    users = {proposal.vote.user for proposal in group}
    objecting -= users
    votes, against = voices.count(users), voices.count(objecting)
    reviewed = not users.isdisjoint(guards.reviewers)
    label = Label(group, votes, against, reviewed, _agreed_in(group, voices, guards))
    if reviewed:
        return label, None
    if not objecting.isdisjoint(guards.reviewers):
        return label, Reason("disputed", "a reviewer is against it")
    if votes < guards.agreement:
        counted = f"{votes} of {guards.agreement} who must agree"
        alike = f": {len(users)} users who vote alike count as {votes}" if len(users) > votes else ""
        return label, Reason("too_few_users", counted + alike)
    if votes - against < guards.agreement:
        return label, Reason("disputed", f"{votes} users for it, {against} against")
    return label, None


def _agreed_in(group: Sequence[Proposal], voices: Voices, guards: Guards) -> str:
    heard: set[str] = set()
    for proposal in group:
        heard.add(voices.of(proposal.vote.user))
        if proposal.vote.user in guards.reviewers or len(heard) >= guards.agreement:
            return proposal.vote.window
    return group[-1].vote.window


def _strongest(
    labels: Sequence[Label], rivals_by: Callable[[Label], Hashable], refused: dict[str, Reason]
) -> list[Label]:
    rivals: dict[Hashable, list[Label]] = defaultdict(list)
    for label in labels:
        rivals[rivals_by(label)].append(label)
    kept: list[Label] = []
    for group in rivals.values():
        best = max(label.strength for label in group)
        at_best = [label for label in group if label.strength == best]
        kept += at_best if len(at_best) == 1 else []
        for label in group:
            if label.strength != best:
                _refuse(refused, label, Reason("outvoted", "more users agree on another answer"))
            elif len(at_best) > 1:
                _refuse(refused, label, Reason("disputed", f"{len(at_best)} answers have as many users"))
    return kept


def _within_batch(
    labels: Sequence[Label], refused: dict[str, Reason], guards: Guards, records: Mapping[str, int]
) -> list[Label]:
    kept: list[Label] = []
    counts: Counter[str] = Counter()
    for label in sorted(labels, key=_preferred):
        most = max(1, min(guards.batch_labels, int(guards.batch_share * records[label.window])))
        if counts[label.window] == most:
            _refuse(refused, label, Reason("batch_over_cap", f"more than {most} labels from {label.window}"))
            continue
        counts[label.window] += 1
        kept.append(label)
    return kept


def _preferred(label: Label) -> tuple[bool, int, str]:
    reviewed, votes = label.strength
    return not reviewed, -votes, label.label_id


def _refuse(refused: dict[str, Reason], label: Label, reason: Reason) -> None:
    for proposal in label.proposals:
        refused[proposal.vote.feedback_id] = reason
