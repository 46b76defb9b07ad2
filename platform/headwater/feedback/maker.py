"""Maker of the feedback that may be learned from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from headwater.feedback import rules
from headwater.feedback.agreement import Label, Proposal, Topic, agree
from headwater.feedback.guards import Guards
from headwater.feedback.passages import Passage, best_support, read_passages
from headwater.feedback.rules import Reason, Refused, Sieve
from headwater.feedback.voices import Said
from headwater.feedback.votes import Log, Vote, plain, said_by_model
from headwater.schemas.feedback import ACCEPTED, REFUSED
from headwater.tables import write_rows
from headwater.workspace import CheckOutcome, Produced, Workspace

ACCOUNTED = "every_vote_accounted"
EXCERPT = 300


class FeedbackMaker(BaseModel):
    """Inputs `inference`, `questions` and `chunks`; writes labels, and `refused` with a reason for each vote.

    A function of its inputs alone: an erased or expired window takes its labels with it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    guards: Guards = Field(default_factory=Guards, description="Limits of what feedback can do")

    def __call__(self, workspace: Workspace) -> Produced:
        """Judge every vote of the log."""
        log = Log.read(workspace.inputs["inference"])
        sieve = Sieve(log.votes)
        labels: Sequence[Label] = ()
        if log.votes:
            labels = self._labels(workspace, log, sieve)
        proposed = [plain(label.first.vote.proposed) for label in labels]
        model_made = said_by_model(workspace.inputs["inference"], proposed)
        accepted = [_row(label, model_made) for label in labels]
        write_rows(workspace.out, accepted, ACCEPTED.arrow, key=ACCEPTED.key)
        refused = [_refused_row(vote, reason) for vote, reason in sieve.refused]
        refused.sort(key=lambda row: row["feedback_id"])
        write_rows(workspace.out / "refused", refused, REFUSED.arrow, key=REFUSED.key)
        return _produced(log, accepted, refused)

    def _labels(self, workspace: Workspace, log: Log, sieve: Sieve) -> Sequence[Label]:
        from headwater.curate.dedup.nearest import groups
        from headwater.feedback.known import KnownQuestions

        guards, scratch = self.guards, workspace.scratch
        sieve.take_out(rules.served(sieve.votes))
        sieve.take_out(rules.named(sieve.votes))
        sieve.take_out(rules.newest(sieve.votes))
        known = KnownQuestions(workspace.inputs["questions"])
        found = {name for vote in sieve.votes for name in vote.chunk_ids}
        passages = read_passages(workspace.inputs["chunks"], known.chunk_ids | found)
        matches = known.matches(sieve.votes, guards)
        discredited = known.discredited(sieve.votes, matches, passages, guards)
        sieve.take_out(known.held_out(matches))
        sieve.take_out(rules.of_users(sieve.votes, discredited))
        uncapped = _said(sieve.votes, passages, guards, scratch)
        sieve.take_out(rules.within_caps(sieve.votes, guards, log.records))
        voters = list(sieve.votes)
        asked = groups([vote.question for vote in voters], guards.question_similarity, scratch)
        topics = {vote.feedback_id: topic for vote, topic in zip(voters, asked, strict=True)}
        sieve.take_out(rules.teaching(sieve.votes, guards))
        supported, unsupported = _supported(sieve.votes, passages, guards)
        sieve.take_out(unsupported)
        names = [vote.feedback_id for vote in sieve.votes]
        same = {
            "question": [(topics[name], supported[name].document_id) for name in names],
            "answer": groups([vote.proposed for vote in sieve.votes], guards.answer_similarity, scratch),
        }
        sieve.take_out(rules.not_in_bursts(sieve.votes, same))
        proposals = [
            Proposal(vote, topics[vote.feedback_id], supported[vote.feedback_id]) for vote in sieve.votes
        ]
        agreed = agree(proposals, _objections(voters, topics), guards, log.records, uncapped)
        sieve.take_out(agreed.refused)
        return agreed.labels


def _said(votes: Sequence[Vote], passages: Mapping[str, Passage], guards: Guards, scratch: Path) -> Said:
    """Who led which questions to which document, in whatever words: by topics of these votes alone."""
    from headwater.curate.dedup.nearest import groups

    nothing = rules.teaching(votes, guards)
    teaching = [vote for vote in votes if vote.feedback_id not in nothing]
    supported, _ = _supported(teaching, passages, guards)
    asked = groups([vote.question for vote in teaching], guards.question_similarity, scratch)
    said: defaultdict[Hashable, set[str]] = defaultdict(set)
    for vote, topic in zip(teaching, asked, strict=True):
        if vote.feedback_id in supported:
            said[topic, supported[vote.feedback_id].document_id].add(vote.user)
    return said


def _supported(
    votes: Sequence[Vote], passages: Mapping[str, Passage], guards: Guards
) -> tuple[dict[str, Passage], Refused]:
    """The passage that supports each vote's answer, and why others have none."""
    supported: dict[str, Passage] = {}
    refused: Refused = {}
    for vote in votes:
        found = [passages[name] for name in vote.chunk_ids if name in passages]
        support = best_support(vote.proposed, found)
        if support is None:
            refused[vote.feedback_id] = Reason("no_passage", "no passage that was found is in the product")
        elif support.share < guards.least_support:
            refused[vote.feedback_id] = Reason(
                "unsupported_answer",
                f"a passage has {support.share:.2f} of its words, required {guards.least_support:g}",
            )
        else:
            supported[vote.feedback_id] = support.passage
    return supported, refused


def _objections(
    votes: Sequence[Vote], topics: Mapping[str, Topic]
) -> Mapping[tuple[Topic, str], frozenset[str]]:
    found: defaultdict[tuple[Topic, str], set[str]] = defaultdict(set)
    for vote in votes:
        if vote.served is not None and vote.objects:
            found[topics[vote.feedback_id], plain(vote.served.answer)].add(vote.user)
    return {claim: frozenset(users) for claim, users in found.items()}


def _row(label: Label, model_made: frozenset[str]) -> dict[str, Any]:
    first = label.first
    votes = [proposal.vote for proposal in label.proposals]
    return {
        "label_id": label.label_id,
        "question": first.vote.question,
        "answer": first.vote.proposed,
        "origin": "model" if plain(first.vote.proposed) in model_made else "human",
        "document_id": first.passage.document_id,
        "uri": first.passage.uri,
        "chunk_ids": sorted({proposal.passage.chunk_id for proposal in label.proposals}),
        "users": label.users,
        "votes": label.votes,
        "against": label.against,
        "reviewed": label.reviewed,
        "response_ids": sorted({vote.response_id for vote in votes}),
        "feedback_ids": sorted(vote.feedback_id for vote in votes),
        "window": label.window,
    }


def _refused_row(vote: Vote, reason: Reason) -> dict[str, Any]:
    return {
        "feedback_id": vote.feedback_id,
        "response_id": vote.response_id,
        "window": vote.window,
        "user": vote.user,
        "reason": reason.name,
        "detail": reason.detail,
        "excerpt": (vote.correction.strip() or vote.question)[:EXCERPT],
    }


def _produced(log: Log, accepted: Sequence[dict[str, Any]], refused: Sequence[dict[str, Any]]) -> Produced:
    reasons = Counter(row["reason"] for row in refused)
    counted = sum(len(row["feedback_ids"]) for row in accepted)
    users = {vote.user for vote in log.votes if vote.user}
    origins = Counter(row["origin"] for row in accepted)
    return Produced(
        rows=len(accepted),
        metrics={
            "votes": len(log.votes),
            "votes_accepted": counted,
            "users": len(users),
            "labels/human": origins["human"],
            "labels/model": origins["model"],
        },
        refused=dict(sorted(reasons.items())),
        tables={
            "labels": tuple(
                {name: row[name] for name in ("question", "answer", "origin", "uri", "votes", "against")}
                for row in accepted[:20]
            )
        },
        checks=(_accounted(log, accepted, refused),),
    )


def _accounted(
    log: Log, accepted: Sequence[dict[str, Any]], refused: Sequence[dict[str, Any]]
) -> CheckOutcome:
    """Each vote is part of one label or refused once."""
    seen = Counter(name for row in accepted for name in row["feedback_ids"])
    seen.update(row["feedback_id"] for row in refused)
    lost = [vote.feedback_id for vote in log.votes if seen[vote.feedback_id] != 1]
    return CheckOutcome(
        name=ACCOUNTED,
        passed=not lost and len(seen) == len(log.votes),
        description=f"{len(log.votes):,} votes: {len(log.votes) - len(refused):,} in labels, "
        f"{len(refused):,} refused",
        failures=tuple({"feedback_id": name, "times": seen[name]} for name in lost[:20]),
    )
