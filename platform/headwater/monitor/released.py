"""What windows are held to: profile, index and labelled questions of the release in production."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headwater.fingerprint import digest_file
from headwater.index.search import SearchIndex
from headwater.monitor.profile import JSON_FILE, Insufficient, OtherFormat, Profile
from headwater.tables import read_json, read_rows

NO_PROFILE = "the release in production was made without a profile: build the product again"


@dataclass(frozen=True)
class Standard:
    """A release as far as windows need it.

    `profile` is None where the release has none; then `why` says the reason. `digest` names what there is.
    `release` is its name, empty where it is not known, and `base_model` the folder of its language model.
    `gold` maps labelled questions to the chunks that answer them.
    """

    digest: str
    embedder: str
    profile: Profile | None
    why: str
    index: SearchIndex | None
    gold: Mapping[str, frozenset[str]]
    release: str = ""
    base_model: Path | None = None

    @classmethod
    def read(cls, inputs: Mapping[str, Path], release: str = "") -> Standard | None:
        """From the inputs `profile`, `index`, `questions`, `base_model`; None where nothing was released."""
        if "index" not in inputs:
            return None
        index = SearchIndex.open(inputs["index"])
        digest, embedder, profile, why = "", index.about["embedder"]["fingerprint"], None, NO_PROFILE
        if "profile" in inputs:
            digest = digest_file(inputs["profile"] / JSON_FILE)
            embedder = read_json(inputs["profile"] / JSON_FILE)["embedder"]
            try:
                profile, why = Profile.load(inputs["profile"]), ""
            except (Insufficient, OtherFormat) as reason:
                why = str(reason)
        gold = _labelled(inputs["questions"]) if "questions" in inputs else {}
        return cls(digest, embedder, profile, why, index, gold, release, inputs.get("base_model"))


def _labelled(questions: Path) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for row in read_rows(questions, ["text", "relevant_chunk_ids", "origin"]):
        if row["origin"] == "labelled":
            text = row["text"].strip()
            found[text] = found.get(text, frozenset()) | frozenset(row["relevant_chunk_ids"])
    return found
