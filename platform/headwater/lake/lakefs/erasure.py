"""Erasing from lakeFS, as far as its API goes: off every branch. The bytes go by its garbage collection.

lakeFS keeps what a commit holds readable by the commit's id for ever, also when no branch or tag leads there.
Its garbage collection, a Spark job that the operator runs, deletes bytes that are at no branch's head and
whose retention is over; it does not look at tags, and afterwards reading answers 410.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping

from headwater.lake.erasing import Place, Unlinked
from headwater.lake.errors import NotFound
from headwater.lake.lakefs.address import Address
from headwater.lake.lakefs.cache import Cache
from headwater.lake.lakefs.data import Data
from headwater.lake.names import TRANSIENT_PREFIXES
from headwater.lake.protocol import Lake

RULES = {"default_retention_days": 1, "branches": [{"branch_id": "production", "retention_days": 1}]}
_MESSAGE = "Erase {} objects"


def unlink(lake: Lake, data: Data, cache: Cache, address: Address, places: Mapping[str, Place]) -> Unlinked:
    """See `headwater.lake.erasing.Unlinking`.

    Branches of runs that hold any of it are deleted; on all others the objects are, in one commit. Tags stay:
    they do not keep bytes from being collected, and a release that holds what was erased is refused anyway.
    """
    digests = places.keys()
    removed: list[str] = []
    cleaned: dict[str, int] = {}
    for branch, head in lake.refs("branch").items():
        paths = [item.path for item in lake.list(head) if item.digest in digests]
        if paths and branch.startswith(TRANSIENT_PREFIXES):
            lake.delete_branch(branch)
            removed.append(branch)
        elif paths:
            with lake.change(branch, _MESSAGE.format(len(paths))) as change:
                for path in paths:
                    change.delete(path)
            cleaned[branch] = len(paths)
    downloads = cache.forget(digests)
    sizes = [size for place in places.values() if (size := _size(data.head, place)) is not None]
    steps = _steps(address, places) if sizes else ()
    return Unlinked(tuple(removed), cleaned, downloads, len(sizes), sum(sizes), steps)


def _size(head: Callable[[str, str], int], place: Place) -> int | None:
    """The bytes that lakeFS still serves, or `None` once they were collected."""
    try:
        return head(*place)
    except NotFound:
        return None


def _steps(address: Address, places: Collection[str]) -> tuple[str, ...]:
    repository = address.repository
    return (
        "remove what changes and runs that died left at the head of branches: headwater sweep --apply",
        (
            "set a retention that is over soon, for all old versions of the repository: "
            f"lakectl gc set-config lakefs://{repository} -f rules.json, with {json.dumps(RULES)} in it "
            "(old releases lose their bytes as well, unless production's retention reaches back to them)"
        ),
        (
            "when the retention is over, run lakeFS's garbage collection: spark-submit --class "
            f"io.treeverse.gc.GarbageCollection -c spark.hadoop.lakefs.api.url={address.endpoint}/api/v1 "
            f"-c spark.hadoop.lakefs.api.access_key=... -c spark.hadoop.lakefs.api.secret_key=... "
            f"lakefs-spark-client-assembly.jar {repository} REGION"
        ),
        f"run this command again: it asks for each of the {len(places):,} payloads and says what is left",
    )
