"""What can go wrong with a lake, in terms that both stores share."""

from __future__ import annotations

from collections.abc import Iterable


class LakeError(Exception):
    """Base of everything a lake raises about itself."""


class NotFound(LakeError, LookupError):
    """There is no such branch, tag, commit, object or folder."""


class Gone(NotFound):
    """The commit knows the object, but its bytes were swept."""


class Exists(LakeError):
    """The name of the branch or tag is taken."""


class InvalidName(LakeError, ValueError):
    """A branch, tag or path outside the rules of `names`, or an object where a folder is."""


class NoChanges(LakeError):
    """The change or merge would leave the branch as it is."""


class Conflict(LakeError):
    """Both sides changed the same objects differently. `paths` names them, sorted."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.paths = tuple(sorted(set(paths)))
        super().__init__(self.paths)

    def __str__(self) -> str:
        shown = ", ".join(self.paths[:5])
        more = f" and {len(self.paths) - 5} more" if len(self.paths) > 5 else ""
        return f"changed differently on both sides: {shown}{more}"


class Busy(LakeError):
    """Another writer holds what is needed. Trying again later may succeed."""


class Denied(LakeError):
    """The lake refuses this to this user: no permission, wrong key, or a protected branch."""


class Rejected(LakeError):
    """A hook or a precondition of the lake refused the commit or merge."""


class Unavailable(LakeError):
    """The lake cannot be reached or cannot store more. What was published before is intact."""


class Damaged(LakeError):
    """Stored bytes are not what was committed. They are never served."""
