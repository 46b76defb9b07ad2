"""Which releases held what was erased: found when it was, kept in the lake, asked before a rollback.

Beside the erasure list stands `_meta/<product>/erased_releases.json`. It maps the digest of an entry of the
list to the releases that were looked through for it, and these to the assets that held traces; an empty
list says that a release held none. No pseudonym or uri is in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from headwater.curate.erasures import Erasure
from headwater.fingerprint import canonical_json, digest_json
from headwater.lake.erased import erasures_at
from headwater.lake.errors import NoChanges, NotFound
from headwater.lake.protocol import Lake
from headwater.release import Release
from headwater.settings import MAIN
from headwater.tables import read_json

Held = Mapping[str, Iterable[str]]
"""Names of releases that were looked through, and the assets of each that held it."""
_NAMED = 3


def held_path(product: str) -> str:
    """Where it stands in the lake."""
    return f"_meta/{product}/erased_releases.json"


def record_held(lake: Lake, branch: str, product: str, entries: Iterable[Erasure], held: Held) -> None:
    """Add what was found for these entries to what is known. What ever held it goes on holding it: bytes that
    were swept are found no more, and a release without them cannot be served."""
    known = _known(lake, branch, product)
    for entry in entries:
        releases = known.setdefault(_digest(entry), {})
        for name, assets in held.items():
            releases[name] = sorted({*releases.get(name, ()), *assets})
    try:
        message = f"{product}: which releases held what was erased"
        with lake.change(branch, message, {"product": product}) as change:
            change.put(held_path(product), (canonical_json(known) + "\n").encode())
    except NoChanges:
        return


def looked_for(listed: Iterable[Erasure], meant: Iterable[Erasure], ids: Collection[str]) -> list[Erasure]:
    """Entries of the list that say the same as those that are meant, or name ids of the log among `ids`: an
    erasure that is done again no longer finds every request that it listed before."""
    same = {_digest(entry) for entry in meant}
    return [
        entry
        for entry in listed
        if _digest(entry) in same or (entry.uri.startswith("inference/") and entry.document_id in ids)
    ]


def why_not(lake: Lake, product: str, release: Release) -> str:
    """Why production must not go back to a release because of what was erased since; empty if it may.

    It may where each erasure that is in force on `main` and younger than the release looked through it and
    found nothing. What nobody looked for counts as held.
    """
    older = set(erasures_at(lake, release.commit, product).entries)
    younger = [entry for entry in erasures_at(lake, MAIN, product).entries if entry not in older]
    if not younger:
        return ""
    known = _known(lake, MAIN, product)
    found = {entry: known.get(_digest(entry), {}).get(release.name) for entry in younger}
    holding = [entry for entry, assets in found.items() if assets]
    if holding:
        assets = sorted({asset for assets in found.values() for asset in assets or ()})
        return f"held in {', '.join(assets)} what was erased since: {_named(holding)}"
    unknown = [entry for entry, assets in found.items() if assets is None]
    if unknown:
        return (
            f"may hold what was erased since, for it was not looked through for it: {_named(unknown)} "
            "(the same headwater forget again looks)"
        )
    return ""


def _known(lake: Lake, ref: str, product: str) -> dict[str, dict[str, list[str]]]:
    try:
        return read_json(lake.fetch(ref, held_path(product)))
    except NotFound:
        return {}


def _digest(entry: Erasure) -> str:
    return digest_json([entry.uri, entry.document_id, entry.digest])


def _named(entries: list[Erasure]) -> str:
    # Ids of single requests tell nobody who or what was meant: pseudonyms, documents and files come first.
    ordered = sorted(entries, key=lambda entry: (_is_request(entry), entry))
    named = [f"{entry.uri} ({entry.reason or 'no reason given'})" for entry in ordered[:_NAMED]]
    more = [f"and {len(ordered) - _NAMED:,} more"] if len(ordered) > _NAMED else []
    return ", ".join(named + more)


def _is_request(entry: Erasure) -> bool:
    return entry.uri.startswith("inference/") and not entry.uri.startswith("inference/people/")
