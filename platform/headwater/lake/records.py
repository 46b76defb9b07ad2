"""What the lake says of a published asset: its record, beside the data, at `_meta/<product>/<asset>.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from headwater.fingerprint import canonical_json, digest_folder
from headwater.lake.errors import NotFound
from headwater.lake.protocol import Lake
from headwater.tables import read_json
from headwater.workspace import CheckOutcome

RECORD_SCHEMA = 1


@dataclass(frozen=True)
class Record:
    """What the lake says of a published asset. `upstream` maps an input to its data version and commit."""

    product: str
    asset: str
    input_key: str
    data_version: str
    code_version: str
    config: Mapping[str, Any]
    libraries: Mapping[str, str]
    upstream: Mapping[str, Mapping[str, str]]
    rows: int
    objects: int
    bytes: int
    metrics: Mapping[str, float]
    refused: Mapping[str, int]
    tables: Mapping[str, list[Mapping[str, Any]]]
    text: Mapping[str, str]
    pictures: Mapping[str, str]
    checks: list[Mapping[str, Any]]
    schema: int = RECORD_SCHEMA

    @property
    def outcomes(self) -> tuple[CheckOutcome, ...]:
        """The checks with which it was published."""
        return tuple(_outcome(check) for check in self.checks)


def record_path(product: str, asset: str) -> str:
    """Where an asset's record stands in the lake."""
    return f"_meta/{product}/{asset}.json"


def read_record(lake: Lake, ref: str, product: str, asset: str) -> Record | None:
    """The record of an asset at a ref, or None where it was never published."""
    try:
        stored = read_json(lake.fetch(ref, record_path(product, asset)))
    except NotFound:
        return None
    return Record(**stored) if stored.get("schema") == RECORD_SCHEMA else None


def records_at(lake: Lake, ref: str, product: str) -> list[Record]:
    """The records of all assets of a product at a ref, by name."""
    prefix = f"_meta/{product}/"
    names = [item.path.removeprefix(prefix).removesuffix(".json") for item in lake.list(ref, prefix)]
    found = [read_record(lake, ref, product, name) for name in names]
    return [record for record in found if record is not None]


def data_version(lake: Lake, ref: str, folder: str) -> str | None:
    """Digest of the content of a folder at a ref, or None where there is nothing."""
    entries = [(item.path[len(folder) :], item.digest, item.size) for item in lake.list(ref, folder)]
    return digest_folder(entries) if entries else None


def record_bytes(record: Record) -> bytes:
    """The stored form: equal records have equal bytes."""
    return (canonical_json(asdict(record)) + "\n").encode()


def _outcome(stored: Mapping[str, Any]) -> CheckOutcome:
    fields: dict[str, Any] = {**stored, "failures": tuple(stored["failures"])}
    return CheckOutcome(**fields)
