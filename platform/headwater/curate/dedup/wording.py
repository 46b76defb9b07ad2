"""How the quarantine says why a duplicate was dropped."""

from __future__ import annotations

_KEPT = "kept "


def detail(uri: str, similarity: float, linked: bool) -> str:
    """`uri` is that of the document that was kept; `linked` as in `Duplicates`."""
    through = " (linked through others of the cluster)" if linked else ""
    return f"{_KEPT}{uri}; similarity {similarity:.3f}{through}"


def kept_uri(detail: str) -> str:
    """The uri that such a detail names."""
    return detail.removeprefix(_KEPT).rpartition("; ")[0]
