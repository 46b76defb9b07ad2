"""What a product's sources offer beside what the last version of raw took from them; no content is read.

A file is unchanged when its change token is the one that raw remembers for the digest in its manifest (see
`headwater.curate.raw_cache`). Where the memory was lost every file counts as changed: the build that follows
reads them, finds them equal and remembers them again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from headwater.curate.erasures import STEP as ERASURE
from headwater.curate.raw import require_size
from headwater.curate.raw_cache import TokenCache
from headwater.fingerprint import digest_json
from headwater.lake.protocol import Lake
from headwater.sources import ListingFailed, Refused, SourceConfig
from headwater.sources.base import file_uri

DEFAULT_SETTLE_SECONDS = 10.0
"""Longer than editors, `cp` and `pip` pause between two writes of one file."""
EXAMPLES = 3


@dataclass(frozen=True)
class Offered:
    """One file of a listing. `refused` says why the source cannot offer it, else it is empty."""

    path: str
    token: str = ""
    changed_ns: int = 0
    refused: str = ""


@dataclass(frozen=True)
class Taken:
    """What raw holds: digests by uri, and the uris that it refused or must not hold."""

    digests: Mapping[str, str] = field(default_factory=dict[str, str])
    refused: frozenset[str] = frozenset()
    erased: frozenset[str] = frozenset()

    @classmethod
    def at(cls, lake: Lake, ref: str, product: str) -> Taken:
        """What stands at a ref, from the manifest and the quarantine alone; empty before the first build."""
        manifest = _columns(lake, ref, f"{product}/raw/part-", ("uri", "digest"))
        quarantine = _columns(lake, ref, f"{product}/raw/quarantine/part-", ("uri", "step"))
        return cls(
            dict(manifest),
            frozenset(uri for uri, step in quarantine if step != ERASURE),
            frozenset(uri for uri, step in quarantine if step == ERASURE),
        )

    def __contains__(self, uri: str) -> bool:
        return uri in self.digests or uri in self.refused or uri in self.erased


@dataclass(frozen=True)
class Changes:
    """Uris that raw would treat otherwise than it did, sorted. `unsettled` ones changed a moment ago."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    vanished: tuple[str, ...]
    unsettled: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.vanished)

    def __str__(self) -> str:
        named = (("new", self.new), ("changed", self.changed), ("vanished", self.vanished))
        return ", ".join(f"{len(uris):,} {name} ({examples(uris)})" for name, uris in named if uris)


@dataclass(frozen=True)
class Listing:
    """What every source offers, by its name."""

    sources: Mapping[str, Mapping[str, Offered]]

    @classmethod
    def of(cls, sources: Sequence[SourceConfig]) -> Listing:
        """List every source. Raises `ListingFailed`, and `OSError` for a folder that went away meanwhile."""
        return cls({source.name: _offered(source) for source in sources})

    @property
    def files(self) -> int:
        """How many are offered."""
        return sum(not file.refused for offered in self.sources.values() for file in offered.values())

    @property
    def digest(self) -> str:
        """The same for the same files with the same tokens."""
        return digest_json(
            {
                name: [[uri, file.token, file.refused] for uri, file in sorted(offered.items())]
                for name, offered in self.sources.items()
            }
        )


def compare(
    listing: Listing,
    sources: Sequence[SourceConfig],
    taken: Taken,
    cache: Path,
    *,
    max_shrink: float,
    settle_seconds: float,
    now_ns: int,
) -> Changes:
    """What differs from `taken`. `cache` is the folder of raw's memory, `now_ns` the time since 1970.

    Raises `ListingFailed` and `ListingShrank` where raw would, and where a folder with known files cannot be
    listed: what cannot be seen has not vanished.
    """
    before = Counter(uri.split("/", 1)[0] for uri in taken.digests)
    new: list[str] = []
    changed: list[str] = []
    unsettled: list[str] = []
    for source in sources:
        offered = listing.sources[source.name]
        require_size(
            source.name, before[source.name], sum(not f.refused for f in offered.values()), max_shrink
        )
        _require_visible(source.name, offered, taken)
        memory = TokenCache(cache, source)
        for uri, file in offered.items():
            if _same(uri, file, taken, memory):
                continue
            (changed if uri in taken else new).append(uri)
            # The distance, because a clock that was set back must not keep a file waiting for years.
            if abs(now_ns - file.changed_ns) < settle_seconds * 1e9:
                unsettled.append(uri)
    seen = {uri for offered in listing.sources.values() for uri in offered}
    gone = (taken.digests.keys() | taken.refused) - seen
    return Changes(*(tuple(sorted(uris)) for uris in (new, changed, gone, unsettled)))


def examples(uris: Sequence[str]) -> str:
    """A few of them for people."""
    return ", ".join(uris[:EXAMPLES]) + (", …" if len(uris) > EXAMPLES else "")


def _offered(source: SourceConfig) -> dict[str, Offered]:
    found: dict[str, Offered] = {}
    for file in source.list():
        found[file_uri(source.name, file.path)] = (
            Offered(file.path, refused=file.reason)
            if isinstance(file, Refused)
            else Offered(file.path, file.token, file.changed_ns)
        )
    return found


def _same(uri: str, file: Offered, taken: Taken, memory: TokenCache) -> bool:
    if uri in taken.erased:
        return True
    if file.refused:
        return uri in taken.refused
    known = memory.get(file.path, file.token)
    return known is not None and taken.digests.get(uri) == known.digest


def _require_visible(source: str, offered: Mapping[str, Offered], taken: Taken) -> None:
    hidden = [uri for uri, file in offered.items() if file.refused == "unreadable"]
    for folder in hidden:
        known = sum(uri.startswith(f"{folder}/") for uri in taken.digests)
        if known:
            raise ListingFailed(
                f"source {source!r}: {folder} cannot be listed, and {known:,} files are known there; "
                "give the daemon's user the right to read it, or exclude it"
            )


def _columns(lake: Lake, ref: str, prefix: str, names: tuple[str, str]) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for item in lake.list(ref, prefix):
        table = pq.read_table(lake.fetch(ref, item.path), columns=list(names))
        rows += zip(*(table.column(name).to_pylist() for name in names), strict=True)
    return rows
