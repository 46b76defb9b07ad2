"""The tiny product with its monitoring, and verdicts put into its lake."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import tiny_product

from headwater.components import Monitoring
from headwater.components.resource import Headwater
from headwater.lake import Lake
from headwater.monitor.newest import FamilyState, JudgedWindow, Newest
from headwater.monitor.verdict import FAMILIES

SMALL: Mapping[str, Any] = {
    "windows": {"window_rows": 60},
    "monitor": {"least_rows": 40, "least_votes": 20},
    "refresh": {"least_new_rows": 0},
}


def monitoring(**attributes: Any) -> Monitoring:
    """The component, with small windows unless told otherwise."""
    given = Monitoring.attributes_model.model_validate({**SMALL, **attributes})
    return Monitoring(tiny_product.PRODUCT, given)


def definitions(sources: Path, home: Path, **attributes: Any) -> dg.Definitions:
    """What Dagster would load."""
    resource = Headwater(home=str(home), lake=str(home / "lake"))
    return dg.Definitions.merge(
        *(component.definitions() for component in tiny_product.components(sources)),
        monitoring(**attributes).definitions(),
        dg.Definitions(resources={"headwater": resource}, executor=dg.in_process_executor),
    )


def verdicts(*windows: Mapping[str, str], release: str = "tiny-v1") -> Newest:
    """Windows of 250 questions, each with the families that are other than ok."""
    recent = tuple(
        JudgedWindow(window=f"w-{number}", release=release, profile="p", rows=250,
                     statuses={**dict.fromkeys(FAMILIES, "ok"), **other})
        for number, other in enumerate(windows, 1)
    )  # fmt: skip
    last = recent[-1]
    families = {
        name: FamilyState(status=said, why=f"{name} is {said}") for name, said in last.statuses.items()
    }
    return Newest(window=last.window, release=release, profile="p", rows=250, clusters=250,
                  families=families, recent=recent)  # fmt: skip


def publish(lake: Lake, state: Newest, scratch: Path) -> None:
    """Put the newest verdicts on main."""
    path = scratch / "newest.json"
    path.write_text(state.model_dump_json())
    with lake.change("main", "verdicts", {}) as change:
        change.put(f"{tiny_product.PRODUCT}/drift/newest.json", path)


def loaded() -> dg.Definitions:
    """What a Dagster process of its own loads, from the folder that the environment names."""
    folder = Path(os.environ["MONITORED"])
    return definitions(folder / "sources", folder / "home")
