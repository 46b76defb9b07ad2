"""What a profile takes latency and votes from: numbers that the drift asset kept of judged windows."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from headwater.lake.errors import NotFound
from headwater.lake.protocol import Lake
from headwater.lake.recipe import Pin
from headwater.lake.records import read_record
from headwater.monitor.served import SERVED, SERVED_FILE
from headwater.tables import read_json

log = logging.getLogger("headwater")


def served_before(lake: Lake, head: str, product: str, inputs: Mapping[str, str]) -> Mapping[str, Pin]:
    """The further input of a profile; nothing before a window was judged.

    `inputs` maps the profile's other inputs to their data versions. While they are those of the profile at
    `head`, the numbers remain those that it was made with: traffic alone makes no new profile, and so no new
    release. A branch that makes an old release again fixes them.
    """
    try:
        fixed = read_json(lake.fetch(head, fixed_path(product)))
        return {SERVED: Pin(fixed["commit"], fixed["folder"])} if fixed else {}
    except NotFound:
        log.debug("%s fixes no numbers of the service at %s", product, head)
    made = read_record(lake, head, product, "profile")
    if made is not None:
        others = {name: entry["data_version"] for name, entry in made.upstream.items() if name != SERVED}
        if others == dict(inputs):
            entry = made.upstream.get(SERVED)
            return {SERVED: Pin(entry["commit"], entry["folder"])} if entry else {}
    path = f"{product}/drift/{SERVED_FILE}"
    try:
        lake.stat(head, path)
    except NotFound:
        return {}
    return {SERVED: Pin(head, path)}


def fixed_path(product: str) -> str:
    """Where a branch that makes an old release again fixes the numbers: an object with commit and folder."""
    return f"_meta/{product}/served_before.json"
