"""Which names branches, tags and objects may have: what both stores and every file system can hold.

Branch names are lakeFS's without slash and dot. Paths are UTF-8 in Unicode normalization form C, so that a
name typed on one system finds what another wrote.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from headwater.lake.errors import InvalidName

MAX_PATH_BYTES = 1024
MAX_PART_BYTES = 255
PROTECTED_BRANCHES = ("main", "production")
TRANSIENT_PREFIXES = ("run-", "tx-", "ci-")
"""Branches of runs, of changes in progress and of checks; `sweep` may remove them."""

_BRANCH = re.compile(r"[A-Za-z0-9_][-A-Za-z0-9_]{0,99}")
_TAG = re.compile(r"[A-Za-z0-9_](?:[-A-Za-z0-9_.]{0,98}[-A-Za-z0-9_])?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_GIT_FOLDER = re.compile(r"(?:\.git|git~1)[ .]*(?:$|:)", re.IGNORECASE)
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])[ ]*(?:$|[.:])", re.IGNORECASE)


def check_branch(name: str) -> str:
    """Return `name`, or raise `InvalidName`: letters, digits, `_`, `-` after the first, at most 100."""
    if not _BRANCH.fullmatch(name) or looks_like_commit(name):
        raise InvalidName(
            f"branch {name!r}: expected 1 to 100 of A-Z a-z 0-9 _ and (not first) -, and no commit id"
        )
    return name


def check_tag(name: str) -> str:
    """Return `name`, or raise `InvalidName`: as a branch, with single dots inside."""
    if not _TAG.fullmatch(name) or ".." in name or name.endswith(".lock") or looks_like_commit(name):
        raise InvalidName(
            f"tag {name!r}: expected 1 to 100 of A-Z a-z 0-9 _ and (not first) -, with single dots inside, "
            "not ending in .lock, and no commit id"
        )
    return name


def may_be_ref(name: str) -> bool:
    """Whether a branch or tag can have this name."""
    return (_BRANCH.fullmatch(name) or _TAG.fullmatch(name)) is not None


def looks_like_commit(name: str) -> bool:
    """Whether `name` has the form of a commit id of either store."""
    return _COMMIT.fullmatch(name) is not None


def compose(text: str) -> str:
    """Unicode normalization form C, in which paths are kept."""
    return unicodedata.normalize("NFC", text)


def check_path(path: str) -> str:
    """Return `path` in normalization form C, or raise `InvalidName` saying what is wrong with it."""
    normal = compose(path)
    problem = _path_problem(normal)
    if problem:
        raise InvalidName(f"path {path!r}: {problem}")
    return normal


def check_prefix(prefix: str) -> str:
    """As `check_path` for a folder: the prefix must end with one slash, which is kept."""
    if not prefix.endswith("/"):
        raise InvalidName(f"prefix {prefix!r}: expected a folder, ending with '/'")
    return check_path(prefix[:-1]) + "/"


def _path_problem(path: str) -> str | None:
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        return "holds a lone surrogate, which is not text"
    if not path:
        return "is empty"
    if size > MAX_PATH_BYTES:
        return f"is {size} bytes long, at most {MAX_PATH_BYTES} are allowed"
    if "\\" in path:
        return "holds a backslash; folders are separated by '/'"
    if _CONTROL.search(path):
        return "holds a control character"
    return next(filter(None, map(_part_problem, path.split("/"))), None)


@lru_cache(maxsize=4096)
def _part_problem(part: str) -> str | None:
    if part == "":
        return "has an empty part: it starts or ends with '/' or holds '//'"
    if part in (".", ".."):
        return f"has the part {part!r}"
    if len(part.encode()) > MAX_PART_BYTES:
        return f"has a part of more than {MAX_PART_BYTES} bytes"
    if part[-1] in ". ":
        return "has a part that ends in a dot or a space"
    # Some file systems ignore invisible format characters when they compare names.
    visible = (
        part if part.isascii() else "".join(letter for letter in part if unicodedata.category(letter) != "Cf")
    )
    if _GIT_FOLDER.match(visible):
        return f"has the part {part!r}, which is Git's own folder"
    if _DEVICE.match(part):
        return f"has the part {part!r}, which names a device on Windows"
    return None
