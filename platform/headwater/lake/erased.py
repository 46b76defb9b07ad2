"""Where a product's erasure list stands in the lake, and how makers get it."""

from __future__ import annotations

from collections.abc import Mapping

from headwater.curate.erasures import INPUT, Erasures
from headwater.lake.errors import NotFound
from headwater.lake.protocol import Lake
from headwater.lake.recipe import Pin


def erasures_path(product: str) -> str:
    """Where a product's list stands in the lake."""
    return f"_meta/{product}/erased.json"


def erasures_at(lake: Lake, ref: str, product: str) -> Erasures:
    """The list of a product at a ref; empty where none was ever written."""
    try:
        return Erasures.read(lake.fetch(ref, erasures_path(product)))
    except NotFound:
        return Erasures()


def erasures_pin(lake: Lake, head: str, product: str) -> Mapping[str, Pin]:
    """The list as a further input of a recipe, where there is one."""
    path = erasures_path(product)
    try:
        lake.stat(head, path)
    except NotFound:
        return {}
    return {INPUT: Pin(head, path)}
