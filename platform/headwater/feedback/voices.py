"""Who speaks with one voice: users that say the same so often that they count as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Mapping
from itertools import combinations

from headwater.feedback.guards import Guards

Said = Mapping[Hashable, Collection[str]]
"""Whatever can be said, and the users who say it."""


class Voices:
    """Users by the voice that they count as.

    Two users are one voice if they say at least `alike_claims` things together, and these are at least
    `alike_share` of all that either says. Few people happen to answer the same many questions; accounts in
    one hand do (Beutel et al., CopyCatch, WWW 2013, on such lockstep). A voice says what any of its users
    says, and is joined with others in the same way, so that accounts cannot keep apart by taking turns with
    some of the rest. Reviewers speak for themselves.
    """

    def __init__(self, samples: Collection[Said], guards: Guards) -> None:
        """Each of `samples` is enough to find that two are alike; one need not contain the other."""
        self._voice: dict[str, str] = {}
        for said in samples:
            while self._join_alike(said, guards):
                continue

    def of(self, user: str) -> str:
        """The voice of a user: the first name of those who share it."""
        while user in self._voice:
            user = self._voice[user]
        return user

    def count(self, users: Collection[str]) -> int:
        """How many voices these users have."""
        return len({self.of(user) for user in users})

    def _join_alike(self, said: Said, guards: Guards) -> bool:
        counts: Counter[str] = Counter()
        together: Counter[tuple[str, str]] = Counter()
        for users in said.values():
            judged = sorted({self.of(user) for user in set(users) - set(guards.reviewers)})
            counts.update(judged)
            together.update(combinations(judged, 2))
        alike = [
            pair
            for pair, both in sorted(together.items())
            if both >= guards.alike_claims
            and both / (counts[pair[0]] + counts[pair[1]] - both) >= guards.alike_share
        ]
        for left, right in alike:
            self._join(left, right)
        return bool(alike)

    def _join(self, left: str, right: str) -> None:
        first, second = sorted((self.of(left), self.of(right)))
        if first != second:
            self._voice[second] = first
