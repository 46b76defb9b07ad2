"""The raw tier: the original bytes of every source file, and their manifest."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from headwater.curate.erasures import DETAIL, REASON, Erasures
from headwater.curate.erasures import STEP as ERASURE
from headwater.curate.media import HEAD_BYTES, media_type
from headwater.curate.quarantine import Quarantine, Refusal
from headwater.curate.raw_cache import Seen, TokenCache
from headwater.fingerprint import CHUNK_BYTES
from headwater.schemas import RAW
from headwater.sources import Listed, ListingFailed, ListingShrank, Refused, Settings, SourceConfig
from headwater.sources.base import escape, file_uri
from headwater.tables import link_or_copy, read_rows, write_rows
from headwater.workspace import Produced, Workspace

STEP = "read"
PROGRESS_FILES = 1000


class _Changed(Exception):
    """The file is not the one it was when reading began."""


@dataclass
class _Tally:
    listed: Counter[str] = field(default_factory=Counter[str])
    accepted: Counter[str] = field(default_factory=Counter[str])
    erased: Counter[str] = field(default_factory=Counter[str])
    read: int = 0
    reused: int = 0
    bytes: int = 0
    bytes_read: int = 0


class RawMaker(Settings):
    """Copies every file of the sources to `objects/<2 hex>/<digest>` and lists them in the manifest.

    A file whose change token is the one remembered from the last build is taken from the previous version
    without being read. A source that lists nothing, or fewer than `1 - max_shrink` of the files that the
    previous manifest has of it, stops the build: an unmounted folder must not look like a mass deletion.
    `max_shrink: 1` switches both off. Files on the erasure list (input `erasures`, if there is one) are
    quarantined and their bytes not kept. Bounded memory but for the sorted listing.
    """

    sources: Annotated[tuple[SourceConfig, ...], Field(min_length=1)]
    max_shrink: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5

    @field_validator("sources")
    @classmethod
    def _names_differ(cls, sources: tuple[SourceConfig, ...]) -> tuple[SourceConfig, ...]:
        repeated = [name for name, count in Counter(source.name for source in sources).items() if count > 1]
        if repeated:
            raise ValueError(f"each source needs a name of its own; repeated: {', '.join(repeated)}")
        return sources

    def __call__(self, workspace: Workspace) -> Produced:
        """Write the manifest (RAW), the objects and the quarantine.

        Raises `ListingFailed` or `ListingShrank` before anything could be published.
        """
        before = _count_by_source(workspace.previous)
        tally = _Tally()
        with Quarantine(workspace.scratch / "raw-quarantine.jsonl") as quarantine:
            copier = _Copier(workspace, quarantine, tally, Erasures.given(workspace.inputs))
            rows: list[dict[str, Any]] = []
            for source in sorted(self.sources, key=lambda source: source.name):
                listing = sorted(source.list(), key=lambda file: file_uri(source.name, file.path))
                tally.listed[source.name] = sum(not isinstance(file, Refused) for file in listing)
                require_size(source.name, before[source.name], tally.listed[source.name], self.max_shrink)
                # A cache belongs to the whole configuration of a source: `path` may point elsewhere tomorrow.
                cache = TokenCache(workspace.cache, source)
                rows += copier.copy_all(source.name, listing, cache)
                seen = tally.accepted[source.name] + tally.erased[source.name]
                require_size(source.name, before[source.name], seen, self.max_shrink)
                cache.save()
            rows.sort(key=lambda row: row["uri"])
            count = write_rows(workspace.out, rows, RAW.arrow, key=RAW.key)
            quarantine.write(workspace.out / "quarantine")
            return Produced(
                rows=count,
                metrics={
                    "files": count,
                    "objects": len({row["digest"] for row in rows}),
                    "bytes": tally.bytes,
                    "files_read": tally.read,
                    "files_reused": tally.reused,
                    "bytes_read": tally.bytes_read,
                },
                refused=quarantine.by_reason,
                tables={
                    "sources": tuple(
                        {
                            "source": source.name,
                            "files": tally.accepted[source.name],
                            "before": before[source.name],
                        }
                        for source in self.sources
                    ),
                    "refused": quarantine.samples,
                },
            )


def require_size(source: str, before: int, now: int, max_shrink: float) -> None:
    """Raises `ListingFailed` or `ListingShrank` when a source offers nothing, or too much less than before.

    Nothing is required where `max_shrink` is 1.
    """
    if max_shrink >= 1.0:
        return
    if now == 0:
        raise ListingFailed(
            f"source {source!r} offers no file at all ({before:,} before); check its path and patterns, "
            "or set max_shrink: 1 if it may be empty"
        )
    share = 1.0 - now / before if before else 0.0
    if share > max_shrink:
        raise ListingShrank(
            f"source {source!r} offers {now:,} files where it had {before:,}: {share:.0%} fewer, more "
            f"than max_shrink {max_shrink:.0%}; if the files were removed on purpose, set "
            f"max_shrink to {min(1.0, share + 0.01):.2f} for one build"
        )


@dataclass
class _Copier:
    workspace: Workspace
    quarantine: Quarantine
    tally: _Tally
    erasures: Erasures

    def copy_all(
        self, source: str, listing: Sequence[Listed | Refused], cache: TokenCache
    ) -> Iterator[dict[str, Any]]:
        for index, file in enumerate(listing):
            if index % PROGRESS_FILES == 0:
                self.workspace.progress(f"raw {source}", index, len(listing))
            uri = file_uri(source, file.path)
            if self.erasures.file(uri):
                self._erase(uri, source)
                continue
            outcome = file if isinstance(file, Refused) else self._take(file, cache)
            if isinstance(outcome, Refused):
                self.quarantine.add(Refusal(uri, source, STEP, outcome.reason, escape(outcome.detail)))
                continue
            if self.erasures.file(uri, outcome.digest):
                _object(self.workspace.out, outcome.digest).unlink(missing_ok=True)
                self._erase(uri, source)
                continue
            self.tally.accepted[source] += 1
            self.tally.bytes += outcome.size
            yield {
                "uri": uri,
                "source": source,
                "digest": outcome.digest,
                "media_type": outcome.media_type,
                "size": outcome.size,
            }

    def _erase(self, uri: str, source: str) -> None:
        self.tally.erased[source] += 1
        self.quarantine.add(Refusal(uri, source, ERASURE, REASON, DETAIL))

    def _take(self, file: Listed, cache: TokenCache) -> Seen | Refused:
        known = cache.get(file.path, file.token)
        if known is not None and self._from_previous(known):
            self.tally.reused += 1
            cache.put(file.path, file.token, known)
            return known
        for last_try in (False, True):
            try:
                seen, token = self._read(file)
            except _Changed:
                if last_try:
                    return Refused(file.path, "changed_while_reading", "it changed again at the second try")
            except FileNotFoundError:
                if last_try:
                    return Refused(file.path, "vanished", "it was listed and is gone")
            except OSError as error:
                if last_try:
                    return Refused(file.path, "unreadable", error.strerror or "it cannot be read")
            else:
                self.tally.read += 1
                self.tally.bytes_read += seen.size
                if token == file.token:
                    cache.put(file.path, token, seen)
                return seen
        raise AssertionError("both tries returned")

    def _from_previous(self, seen: Seen) -> bool:
        target = _object(self.workspace.out, seen.digest)
        if target.exists():
            return True
        if self.workspace.previous is None:
            return False
        origin = _object(self.workspace.previous, seen.digest)
        try:
            if origin.stat().st_size != seen.size:
                return False
            target.parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(origin, target)
        except FileNotFoundError:
            return False
        return True

    def _read(self, file: Listed) -> tuple[Seen, str]:
        partial = self.workspace.out / "objects" / "partial"
        partial.parent.mkdir(parents=True, exist_ok=True)
        hasher, size, head = hashlib.sha256(), 0, b""
        try:
            token = file.current_token()
            with file.open() as source, partial.open("wb") as copy:
                while chunk := source.read(CHUNK_BYTES):
                    head = head or chunk[:HEAD_BYTES]
                    hasher.update(chunk)
                    copy.write(chunk)
                    size += len(chunk)
            if file.current_token() != token:
                raise _Changed
            target = _object(self.workspace.out, hasher.hexdigest())
            target.parent.mkdir(exist_ok=True)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        return Seen(hasher.hexdigest(), size, media_type(file.path, head)), token


def _object(folder: Path, digest: str) -> Path:
    return folder / "objects" / digest[:2] / digest


def _count_by_source(previous: Path | None) -> Counter[str]:
    if previous is None:
        return Counter()
    return Counter(row["source"] for row in read_rows(previous, ["source"]))
