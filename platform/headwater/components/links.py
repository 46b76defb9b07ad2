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

    def link(self, commit: str) -> str:
        """Address of a commit's page."""
        ...

    def branch_link(self, branch: str) -> str:
        """Address of a branch's page."""
        ...

    def diff_link(self, left: str, right: str) -> str:
        """Address of the page that compares two refs."""
        ...


def commit_link(lake: Lake, commit: str, branch: str = "") -> dict[str, Any]:
    """Metadata with the pages of a commit, its changes and its branch, where the lake has pages."""
    if not isinstance(lake, Linked):
        return {}
    found = {"commit_link": lake.link(commit)}
    parents = next(lake.log(commit, limit=1)).parents
    if parents:
        found["diff_link"] = lake.diff_link(parents[0], commit)
    if branch:
        found["branch_link"] = lake.branch_link(branch)
    return {name: dg.MetadataValue.url(address) for name, address in found.items()}


def run_link(run_id: str, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Commit metadata with the address of a run, where `DAGSTER_WEBSERVER_URL` says where Dagster's UI is."""
    base = environment.get(WEBSERVER, "").rstrip("/")
    if not base:
        return {}
    address = f"{base}/runs/{run_id}"
    return {"run_url": address, LAKEFS_RUN_LINK: address}
