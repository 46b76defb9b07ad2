"""Links between Dagster and the lake: from a materialization to its commit, and from a commit to its run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import dagster as dg

from headwater.lake.protocol import Lake

WEBSERVER = "DAGSTER_WEBSERVER_URL"
LAKEFS_RUN_LINK = "::lakefs::Dagster::url[url:ui]"
"""The form of metadata that lakeFS shows as a button beside a commit."""


@runtime_checkable
class Linked(Protocol):
    """A lake with pages of its own."""

    def link(self, commit: str) -> str | None:
        """Address of a commit's page."""
        ...


def commit_link(lake: Lake, commit: str) -> dict[str, Any]:
    """Metadata with the address of a commit, where the lake has pages."""
    address = lake.link(commit) if isinstance(lake, Linked) else None
    return {"commit_link": dg.MetadataValue.url(address)} if address else {}


def run_link(run_id: str, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Commit metadata with the address of a run, where `DAGSTER_WEBSERVER_URL` says where Dagster's UI is."""
    base = environment.get(WEBSERVER, "").rstrip("/")
    if not base:
        return {}
    address = f"{base}/runs/{run_id}"
    return {"run_url": address, LAKEFS_RUN_LINK: address}
