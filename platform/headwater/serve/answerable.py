"""Which questions a release can answer: the profile's threshold on the nearest passage's cosine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.index.search import EmbedderMismatch
from headwater.lake.errors import NotFound
from headwater.lake.protocol import Lake
from headwater.tables import read_json

PROFILE_FILE = "profile.json"
THRESHOLD = "answerable_similarity"
INSUFFICIENT = "insufficient"
NOT_COVERED = "The documentation of this release does not cover that question."


def answerable_threshold(lake: Lake, commit: str, product: str, embedder: str) -> float | None:
    """The cosine that 95% of the questions with a known answer reach, from the release's reference profile.

    None where the release has no profile, or too few questions for one: then nothing is refused. `embedder`
    is the fingerprint of the index's embedder. Raises `EmbedderMismatch` for the profile of another one,
    whose cosines mean nothing here, and `ValueError` for a profile that does not name the cosine.
    """
    try:
        profile: Mapping[str, Any] = read_json(lake.fetch(commit, f"{product}/profile/{PROFILE_FILE}"))
    except NotFound:
        return None
    if profile.get("embedder") != embedder:
        raise EmbedderMismatch(
            f"the profile of {product} was made with embedder {str(profile.get('embedder'))[:16]}, "
            f"its index with {embedder[:16]}: build the profile again"
        )
    if INSUFFICIENT in profile:
        return None
    value = profile.get(THRESHOLD)
    if not isinstance(value, int | float) or not -1.0 <= value <= 1.0:
        raise ValueError(f"{THRESHOLD} of the profile must be a cosine, not {value!r}")
    return float(value)
