"""Who speaks with one voice: users that say the same so often that they count as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Mapping
from itertools import combinations

from headwater.feedback.guards import Guards


class Voices:
    """Users by the voice that they count as.

    Two users are one voice if they make at least `alike_claims` claims together, and these are at least
    `alike_share` of all that either makes. Few people happen to answer the same many questions; accounts in
    one hand do (Beutel et al., CopyCatch, WWW 2013, on such lockstep). Reviewers speak for themselves.
    """

    def __init__(self, claims: Mapping[Hashable, Collection[str]], guards: Guards) -> None:
        """`claims` maps each claim to the users who make it."""
        made: Counter[str] = Counter()
        together: Counter[tuple[str, str]] = Counter()
        for users in claims.values():
            judged = sorted(set(users) - set(guards.reviewers))
            made.update(judged)
            together.update(combinations(judged, 2))
        self._voice: dict[str, str] = {}
        for (left, right), both in sorted(together.items()):
            either = made[left] + made[right] - both
            if both >= guards.alike_claims and both / either >= guards.alike_share:
                self._join(left, right)

    def of(self, user: str) -> str:
        """The voice of a user: the first name of those who share it."""
        while user in self._voice:
            user = self._voice[user]
        return user

    def count(self, users: Collection[str]) -> int:
        """How many voices these users have."""
        return len({self.of(user) for user in users})

    def _join(self, left: str, right: str) -> None:
        first, second = sorted((self.of(left), self.of(right)))
        if first != second:
            self._voice[second] = first
