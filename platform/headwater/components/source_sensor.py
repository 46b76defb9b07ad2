"""The sensor on a product's sources: what is new, changed or gone there makes `raw`, and automation the rest.

It lists and compares change tokens; it reads no file. Off until somebody switches it on.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Self

import dagster as dg

from headwater.components.resource import Headwater
from headwater.fingerprint import digest_json
from headwater.lake.protocol import Lake
from headwater.source_changes import Changes, Listing, Taken, compare, examples
from headwater.sources import SourceConfig, SourceError

SECONDS = 60
PATIENCE = 10
"""So many times the settle time a change waits for files that are written without pause."""


@dataclass(frozen=True)
class Cursor:
    """The listing that was last dealt with, and since when changes wait (ns since 1970; 0: none do)."""

    listing: str = ""
    waiting_since: int = 0

    @classmethod
    def read(cls, text: str | None) -> Self:
        """From what Dagster kept."""
        return cls(**json.loads(text)) if text else cls()

    def __str__(self) -> str:
        return json.dumps(asdict(self))


def source_sensor(
    product: str, sources: Sequence[SourceConfig], *, max_shrink: float, settle_seconds: float
) -> dg.SensorDefinition:
    """The sensor of one product. A run's key is made of the listing and of the commit that raw stands at."""
    raw = dg.AssetKey([product, "raw"])

    @dg.sensor(
        name=f"{product}_sources",
        target=dg.AssetSelection.assets(raw),
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=f"Makes raw when the sources of {product} offer other files than it was made from.",
    )
    def sensor(context: dg.SensorEvaluationContext, headwater: Headwater) -> dg.SensorResult | dg.SkipReason:
        settings = headwater.settings()
        cursor, now = Cursor.read(context.cursor), time.time_ns()
        try:
            listing = Listing.of(sources)
            digest = digest_json([settings.branch, listing.digest])
            if digest == cursor.listing:
                return dg.SkipReason(f"the {listing.files:,} files of {product} are as at the last look")
            lake = settings.open_lake()
            head = lake.resolve(settings.branch)
            changes = compare(
                listing,
                sources,
                Taken.at(lake, head, product),
                settings.cache,
                max_shrink=max_shrink,
                settle_seconds=settle_seconds,
                now_ns=now,
            )
        except (SourceError, OSError) as error:
            return dg.SkipReason(f"nothing is asked for: {error}")
        if not changes:
            return _skip(f"raw holds what the {listing.files:,} files were", Cursor(digest))
        since = cursor.waiting_since or now
        if changes.unsettled and now - since < PATIENCE * settle_seconds * 1e9:
            return _skip(_waiting(changes, settle_seconds), Cursor(cursor.listing, since))
        context.log.info("%s: %s", product, changes)
        request = dg.RunRequest(
            run_key=f"{product}-sources-{digest_json([digest, _commit(lake, head, product)])[:32]}",
            asset_selection=[raw],
            tags={
                f"headwater/files_{name}": str(len(uris))
                for name, uris in (
                    ("new", changes.new),
                    ("changed", changes.changed),
                    ("vanished", changes.vanished),
                )
            },
        )
        return dg.SensorResult(run_requests=[request], cursor=str(Cursor(digest)))

    return sensor


def _skip(reason: str, cursor: Cursor) -> dg.SensorResult:
    return dg.SensorResult(skip_reason=dg.SkipReason(reason), cursor=str(cursor))


def _waiting(changes: Changes, settle_seconds: float) -> str:
    return (
        f"{len(changes.unsettled):,} files changed in the last {settle_seconds:g} s "
        f"({examples(changes.unsettled)}): left for the next look"
    )


def _commit(lake: Lake, head: str, product: str) -> str:
    """Where raw was last changed: sources that go back to an earlier state must not repeat its run's key."""
    return next((commit.id for commit in lake.log(head, prefix=f"{product}/raw/", limit=1)), "")
