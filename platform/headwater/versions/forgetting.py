"""Erasure on purpose, of documents and of people: listed, built without, proven absent, found in the past.

The list keeps what was erased out of every later version (see `headwater.curate.erasures`). Past versions
stay as they were until they are swept; then their bytes are deleted and the history says which.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from headwater.lake.erased import erasures_at, erasures_path
from headwater.lake.erasing import Erasing, Unlinked, Unlinking
from headwater.lake.errors import LakeError, NoChanges, NotFound
from headwater.lake.protocol import Lake
from headwater.lake.records import records_at
from headwater.release import renew_log
from headwater.settings import DOWNLOADS, MAIN, PRODUCTION, Settings
from headwater.versions.erased_releases import looked_for, record_held
from headwater.versions.holders import Past, in_production, past, product_commits, released_in
from headwater.versions.log_traces import LogTraces, erase_waiting, log_traces
from headwater.versions.people import Person, PersonTraces, labels_at, person_traces
from headwater.versions.selection import Selection, Wanted, listed, select
from headwater.versions.traces import Marks, Scanner, passages_of

if TYPE_CHECKING:
    import dagster as dg

NO_DOCUMENTS = Selection((), {}, {}, 0, ())
KEPT_CACHE = "base_model"
"""Converted packaged models: nothing of a product is in them."""


class CannotSweep(LakeError):
    """The bytes must stay; the message says what to do."""


@dataclass(frozen=True)
class Swept:
    """What was deleted: payloads and their bytes. `kept` are payloads that other current data needs."""

    payloads: int
    bytes: int
    kept: tuple[str, ...]


@dataclass(frozen=True)
class Forgotten:
    """The end of an erasure, which the report is written from.

    `before` and `remaining` map an asset to paths and matches: what the branch held, and still holds.
    `people` are the pseudonyms of whom was forgotten, and `labels` counts what was learned from them.
    `log_rows` are requests and judgements of the inference log that held it, in windows or before them;
    `log_lines` is how many lines of segments on this machine were overwritten.
    `releases` maps every release to its assets that held it, but for the log.
    `failure` is why the rebuild failed, if it did. A sweep gives `swept`, or `unlinked` where only the server
    can delete bytes.
    """

    product: str
    branch: str
    reason: str
    commit_before: str
    commit_after: str
    selection: Selection
    before: dict[str, dict[str, int]]
    remaining: dict[str, dict[str, int]]
    people: tuple[str, ...]
    labels: int
    log_rows: int
    log_lines: int
    in_production: bool
    past: Past
    releases: dict[str, list[str]]
    swept: Swept | None
    unlinked: Unlinked | None
    failure: str

    @property
    def complete(self) -> bool:
        """Nothing of it is left on the branch, nor in original files that also hold other documents, nor in
        past versions where it was to be deleted from them."""
        left = self.remaining or self.failure or self.selection.partial
        return not left and (self.unlinked is None or self.unlinked.payloads == 0)


def forget(
    settings: Settings,
    product: str,
    wanted: Wanted | Person,
    *,
    reason: str = "",
    whole_files: bool = False,
    sweep: bool = False,
    definitions: dg.Definitions | None = None,
) -> Forgotten:
    """Put what is meant, and every copy of its text, on the erasure list of the branch in force; rebuild what
    was built before; prove that it is gone; find it in the past, and with `sweep` delete it there. Requests
    that were answered from it, or hold the text, leave the inference log. Of a person go their requests, the
    judgements by them and of these, and what was made of both.

    To repeat it after it was cut short goes on with what is left. A file that also holds other documents
    stays in raw, unless `whole_files` erases those as well.

    Raises `NotFound` when nothing is meant, and `CannotSweep` before anything is deleted when production
    still holds it.
    """
    lake = settings.open_lake()
    head = lake.resolve(settings.branch)
    selection, marks, logged = find(settings, lake, head, product, wanted, whole_files=whole_files)
    scanner = Scanner(lake, product, marks)
    before = scanner.held(head)
    _record(lake, settings.branch, product, selection, logged, reason)
    lines = erase_waiting(settings.home, product, marks)
    failure = _rebuild(settings, lake, product, definitions)
    after = lake.resolve(settings.branch)
    if not failure and isinstance(logged, PersonTraces):
        # Labels that others agree on without them stay, and are nobody's trace.
        scanner = Scanner(lake, product, logged.without(labels_at(lake, after, product)).marks)
    remaining = scanner.held(after)
    released = in_production(lake, scanner)
    if released and not failure and settings.branch == MAIN:
        renew_log(lake, product, commit=after, home=settings.home, metadata={"reason": reason})
        released = in_production(lake, scanner)
    found = past(lake, scanner)
    in_releases = released_in(lake, scanner)
    entries = [*selection.entries(""), *logged.entries("")]
    entries = looked_for(erasures_at(lake, after, product).entries, entries, scanner.marks.ids)
    record_held(lake, settings.branch, product, entries, in_releases)
    swept: Swept | Unlinked | None = None
    if sweep and not failure:
        _check_sweep(settings, product, remaining, released)
        swept = _sweep(settings, lake, found)
    return Forgotten(
        product=product,
        branch=settings.branch,
        reason=reason,
        commit_before=head,
        commit_after=after,
        selection=selection,
        before=before,
        remaining=remaining,
        people=tuple(sorted(logged.pseudonyms)) if isinstance(logged, PersonTraces) else (),
        labels=len(logged.labels) if isinstance(logged, PersonTraces) else 0,
        log_rows=len(logged.ids),
        log_lines=lines,
        in_production=released,
        past=found,
        releases=in_releases,
        swept=swept if isinstance(swept, Swept) else None,
        unlinked=swept if isinstance(swept, Unlinked) else None,
        failure=failure,
    )


def find(
    settings: Settings, lake: Lake, head: str, product: str, wanted: Wanted | Person, *, whole_files: bool
) -> tuple[Selection, Marks, LogTraces | PersonTraces]:
    """What is meant at `head`, in documents and in the inference log. Raises `NotFound` for nothing."""
    if not list(records_at(lake, head, product)):
        raise NotFound(
            f"{settings.branch} holds no product {product!r}; headwater status lists those it holds"
        )
    if isinstance(wanted, Person):
        person = _find_person(settings, lake, head, product, wanted)
        return NO_DOCUMENTS, person.marks, person
    selection = select(lake, head, product, wanted, whole_files=whole_files)
    if not (selection.documents or selection.files):
        selection = listed(erasures_at(lake, head, product), wanted)
    marks = _marks(lake, product, selection, wanted)
    logged = log_traces(lake, head, product, settings.home, marks)
    if not (selection.documents or selection.files or logged.ids):
        raise NotFound(
            f"{product} holds no such document at {head[:12]}, and none was erased before; "
            f"headwater lineage {product} --document says what became of one"
        )
    return selection, replace(marks, ids=marks.ids | logged.ids), logged


def _find_person(settings: Settings, lake: Lake, head: str, product: str, person: Person) -> PersonTraces:
    found = person_traces(lake, head, product_commits(lake, product), product, settings.home, person)
    known = erasures_at(lake, head, product)
    if not (found.ids or found.past or found.labels or any(map(known.document, person.pseudonyms))):
        raise NotFound(
            f"the inference log of {product} knows no {' or '.join(sorted(person.pseudonyms))}: neither "
            f"at {head[:12]} nor before nor in segments below {settings.home}: is it the id that the client "
            "sends, and the key that the service had?"
        )
    return found


def _marks(lake: Lake, product: str, selection: Selection, wanted: Wanted) -> Marks:
    documents = {document.document_id for document in selection.documents}
    passages = passages_of(lake, product_commits(lake, product), product, documents)
    named = {wanted.document} - {""}
    return Marks(
        ids=frozenset(documents | passages | named),
        uris=frozenset({document.uri for document in selection.documents} | set(selection.files)),
        file_digests=frozenset(selection.files.values()) - {""},
        text=wanted.text,
    )


def _record(
    lake: Lake,
    branch: str,
    product: str,
    selection: Selection,
    logged: LogTraces | PersonTraces,
    reason: str,
) -> None:
    known = erasures_at(lake, branch, product)
    entries = known.with_more([*selection.entries(reason), *logged.entries(reason)])
    message = (
        f"{product}: erase {len(selection.documents):,} documents, {len(selection.files):,} files, "
        f"{len(logged.ids):,} rows of the log"
    )
    try:
        with lake.change(branch, message, {"product": product, "reason": reason}) as change:
            change.put(erasures_path(product), entries.as_bytes())
    except NoChanges:
        return


def _rebuild(settings: Settings, lake: Lake, product: str, definitions: dg.Definitions | None) -> str:
    """Make again what stands on the branch; returns why that failed, or nothing."""
    from headwater.building import build

    result = build(
        product,
        select=[record.asset for record in records_at(lake, settings.branch, product)],
        branch=settings.branch,
        definitions=definitions,
        home=str(settings.home),
        lake=settings.lake,
    )
    return "" if result.succeeded else result.reason


def _check_sweep(
    settings: Settings, product: str, remaining: dict[str, dict[str, int]], released: bool
) -> None:
    if remaining:
        raise CannotSweep(
            f"{settings.branch} still holds it in {', '.join(remaining)}: nothing was deleted. Erase the "
            "whole files, or remove it at the source and build"
        )
    if released:
        raise CannotSweep(
            f"{PRODUCTION} still holds it, so nothing was deleted: release {product} without it first "
            f"(headwater build {product}), then forget it again with --sweep"
        )


def _sweep(settings: Settings, lake: Lake, found: Past) -> Swept | Unlinked:
    needed = _needed(lake, settings.branch)
    places = {digest: place for digest, place in found.payloads.items() if digest not in needed}
    if isinstance(lake, Unlinking):
        unlinked = lake.unlink(places)
        _clear_caches(settings, {KEPT_CACHE, DOWNLOADS})
        return unlinked
    if not isinstance(lake, Erasing):
        raise CannotSweep("this lake cannot delete anything of the past")
    count = size = 0
    for stage in found.stages:
        erased = lake.erase([digest for digest in stage if digest in places])
        count, size = count + erased[0], size + erased[1]
    _clear_caches(settings, {KEPT_CACHE})
    kept = sorted(path for digest, (_, path) in found.payloads.items() if digest in needed)
    return Swept(count, size, tuple(kept))


def _needed(lake: Lake, branch: str) -> set[str]:
    """Payloads of everything that is current: the branch and production, of every product."""
    refs = [branch, *(name for name in (PRODUCTION,) if name in lake.refs("branch"))]
    return {item.digest for ref in refs for item in lake.list(ref)}


def _clear_caches(settings: Settings, kept: Collection[str]) -> None:
    """Vectors and answers are remembered by the digest of their text; unfinished work may hold the text."""
    for folder in (settings.cache, settings.scratch):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.name in kept and folder == settings.cache:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
