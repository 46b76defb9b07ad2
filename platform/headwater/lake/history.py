"""Everything that a lake's branches and tags lead to, in an order in which it can be made again."""

from __future__ import annotations

from collections.abc import Iterator

from headwater.lake.errors import LakeError
from headwater.lake.protocol import Commit, Lake

_FIRST = ("main", "production")


class History:
    """The branches and tags at one moment, and their commits, parents before children.

    Each commit belongs to at most one branch: to the first, with `main` and `production` ahead of others,
    whose line of first parents it is on.
    """

    def __init__(self, lake: Lake) -> None:
        branches = lake.refs("branch")
        names = [*(name for name in _FIRST if name in branches), *sorted(branches.keys() - set(_FIRST))]
        self.branches = {name: branches[name] for name in names}
        self.tags = lake.refs("tag")
        self.commits: dict[str, Commit] = {}
        for tip in (*self.branches.values(), *self.tags.values()):
            if tip not in self.commits:
                found = [commit for commit in lake.log(tip) if commit.id not in self.commits]
                self.commits.update({commit.id: commit for commit in reversed(found)})
        self.root = next(iter(self.commits))
        self._check_root(lake)
        self._owners: dict[str, str] = {}
        for name, tip in self.branches.items():
            for commit in self.line(tip):
                if commit in self._owners:
                    break
                self._owners[commit] = name
        self._tagged: dict[str, list[str]] = {}
        for name, commit in self.tags.items():
            self._tagged.setdefault(commit, []).append(name)

    def line(self, tip: str) -> Iterator[str]:
        """A commit and its first parents down to the beginning."""
        at: str | None = tip
        while at is not None:
            yield at
            parents = self.commits[at].parents
            at = parents[0] if parents else None

    def owner(self, commit: str) -> str | None:
        """The branch to whose line a commit belongs, if any."""
        return self._owners.get(commit)

    def tagged(self, commit: str) -> list[str]:
        """The tags of a commit, sorted."""
        return self._tagged.get(commit, [])

    def _check_root(self, lake: Lake) -> None:
        beginnings = [commit.id for commit in self.commits.values() if not commit.parents]
        if beginnings != [self.root] or any(lake.list(self.root, limit=1)):
            raise LakeError(
                f"this history does not begin with one empty commit but with {', '.join(beginnings)}: it was "
                "not made by this program"
            )
