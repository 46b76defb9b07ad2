"""Rules that a vote must pass before it can count. Each says of the votes that fail it why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from headwater.feedback.guards import Guards
from headwater.feedback.votes import Vote

ANSWERING = ("chat", "completions", "search")
OK = 200


@dataclass(frozen=True)
class Reason:
    """Why a vote teaches nothing."""

    name: str
    detail: str


Refused = dict[str, Reason]
"""By feedback id."""


class Sieve:
    """Votes that are still in, and the reason of each that is not: none is in both, none in neither."""

    def __init__(self, votes: Sequence[Vote]) -> None:
        self.votes = list(votes)
        self.refused: list[tuple[Vote, Reason]] = []

    def take_out(self, refused: Mapping[str, Reason]) -> None:
        """Remove these votes."""
        out = [vote for vote in self.votes if vote.feedback_id in refused]
        self.refused += [(vote, refused[vote.feedback_id]) for vote in out]
        self.votes = [vote for vote in self.votes if vote.feedback_id not in refused]


def served(votes: Iterable[Vote]) -> Refused:
    """The response is one that the log knows, and an answer."""
    return _each(votes, _not_served)


def _not_served(vote: Vote) -> Reason | None:
    if vote.served is None:
        return Reason("unserved_response", "the log knows no such response")
    if vote.served.route not in ANSWERING or vote.served.status != OK or not vote.served.question:
        return Reason("not_an_answer", f"{vote.served.route} with status {vote.served.status}")
    return None


def named(votes: Iterable[Vote]) -> Refused:
    """Somebody stands behind it: who cannot be told apart cannot agree."""
    nobody = Reason("anonymous_user", "without a user nobody can tell how many agree")
    return _each(votes, lambda vote: None if vote.user else nobody)


def newest(votes: Iterable[Vote]) -> Refused:
    """One vote for each user and response: the newest."""
    last = {(vote.user, vote.response_id): vote.feedback_id for vote in votes}
    return _each(
        votes,
        lambda vote: (
            None
            if last[vote.user, vote.response_id] == vote.feedback_id
            else Reason("superseded", f"by {last[vote.user, vote.response_id]}")
        ),
    )


def within_caps(votes: Iterable[Vote], guards: Guards, records: Mapping[str, int]) -> Refused:
    """The first votes of a user in a window and on a day; the caps are those of `guards`."""
    refused: Refused = {}
    in_window: Counter[tuple[str, str]] = Counter()
    on_day: Counter[tuple[str, str]] = Counter()
    for vote in votes:
        if vote.user in guards.reviewers:
            continue
        window, day = (vote.user, vote.window), (vote.user, vote.time.date().isoformat())
        most = max(1, int(guards.user_share * records[vote.window]))
        if in_window[window] >= most:
            refused[vote.feedback_id] = Reason(
                "user_over_cap", f"more than {most} of the window's {records[vote.window]} records"
            )
        elif on_day[day] >= guards.user_daily:
            refused[vote.feedback_id] = Reason("user_over_cap", f"more than {guards.user_daily} on {day[1]}")
        else:
            in_window[window] += 1
            on_day[day] += 1
    return refused


def of_users(votes: Iterable[Vote], discredited: Mapping[str, str]) -> Refused:
    """Nothing from these users; `discredited` says why."""
    return _each(
        votes,
        lambda vote: Reason("unreliable_user", discredited[vote.user]) if vote.user in discredited else None,
    )


def teaching(votes: Iterable[Vote], guards: Guards) -> Refused:
    """An answer is proposed. A vote against alone names none; it still counts against."""
    return _each(votes, lambda vote: _teaches_nothing(vote, guards))


def _teaches_nothing(vote: Vote, guards: Guards) -> Reason | None:
    if vote.proposed:
        if len(vote.proposed) > guards.longest_answer:
            return Reason("too_long", f"{len(vote.proposed)} characters, at most {guards.longest_answer}")
        if vote.approves and vote.served is not None and vote.served.declined:
            return Reason("declined_answer", "the service said that it cannot answer")
        return None
    if vote.vote == -1:
        return Reason("vote_against", "says that an answer is wrong, not which one is right")
    return Reason("no_opinion", "neither approves nor corrects")


def not_in_bursts(votes: Sequence[Vote], same: Mapping[str, Sequence[Hashable]]) -> Refused:
    """Of votes of one user with nearly the same text the newest.

    `same` has for each kind of text one value per vote, equal where the texts are nearly the same.
    """
    refused: Refused = {}
    for what, values in same.items():
        groups: dict[tuple[str, Hashable], list[Vote]] = defaultdict(list)
        for vote, value in zip(votes, values, strict=True):
            if vote.feedback_id not in refused:
                groups[vote.user, value].append(vote)
        for group in groups.values():
            for vote in group[:-1]:
                refused[vote.feedback_id] = Reason(
                    "burst", f"one of {len(group)} with nearly the same {what}, as {group[-1].feedback_id}"
                )
    return refused


def _each(votes: Iterable[Vote], judge: Callable[[Vote], Reason | None]) -> Refused:
    found = ((vote.feedback_id, judge(vote)) for vote in votes)
    return {name: reason for name, reason in found if reason is not None}
