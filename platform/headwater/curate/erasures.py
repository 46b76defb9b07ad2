"""What a product must not hold any more: a list of digests and uris that raw and bronze honour.

The list is an object of the lake beside the product's records and holds no text. It is a pinned input of
raw and bronze: a build after an erasure makes anew what the erased documents went into, and a version
without a list is made as if there were none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from headwater.fingerprint import canonical_json, digest_json

INPUT = "erasures"
REASON = "erased"
STEP = "erasure"
DETAIL = "on the product's erasure list"


@dataclass(frozen=True, order=True)
class Erasure:
    """One document, or with an empty `document_id` one whole file.

    For a document, `digest` is that of its text as bronze had it, so that a copy under another uri stays out
    as well; for a file it is that of its bytes. `reason` is what the person who erased it said.
    """

    uri: str
    document_id: str
    digest: str
    reason: str = ""


class Erasures:
    """The list, with the questions that makers ask of it."""

    def __init__(self, entries: Iterable[Erasure] = ()) -> None:
        self.entries = tuple(sorted(set(entries)))
        documents = [entry for entry in self.entries if entry.document_id]
        files = [entry for entry in self.entries if not entry.document_id]
        self._document_ids = {entry.document_id for entry in documents}
        self._text_digests = {entry.digest for entry in documents if entry.digest}
        self._file_uris = {entry.uri for entry in files}
        self._file_digests = {entry.digest for entry in files if entry.digest}

    @classmethod
    def given(cls, inputs: Mapping[str, Path]) -> Self:
        """The list among a maker's inputs; empty where there is none."""
        return cls.read(inputs[INPUT]) if INPUT in inputs else cls()

    @classmethod
    def read(cls, path: Path) -> Self:
        """The list that a file holds."""
        stored: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cls(Erasure(**entry) for entry in stored["erased"])

    def with_more(self, entries: Iterable[Erasure]) -> Erasures:
        """This list and further entries; an entry that stands there keeps its reason."""
        known = {(entry.uri, entry.document_id, entry.digest) for entry in self.entries}
        fresh = (entry for entry in entries if (entry.uri, entry.document_id, entry.digest) not in known)
        return Erasures([*self.entries, *fresh])

    def beyond(self, older: Erasures) -> int:
        """How many entries `older` lacks."""
        return len(set(self.entries) - set(older.entries))

    def file(self, uri: str, digest: str = "") -> bool:
        """Whether a file is erased, by its uri or the digest of its bytes."""
        return uri in self._file_uris or digest in self._file_digests

    def document(self, document_id: str | None, text_digest: str = "") -> bool:
        """Whether a document is erased, by its id or the digest of its text."""
        return document_id in self._document_ids or text_digest in self._text_digests

    @property
    def fingerprint(self) -> str:
        """Digest of the list; empty for an empty one."""
        return digest_json([asdict(entry) for entry in self.entries]) if self.entries else ""

    def as_bytes(self) -> bytes:
        """The stored form: equal lists have equal bytes."""
        return (canonical_json({"erased": [asdict(entry) for entry in self.entries]}) + "\n").encode()
