"""The newest verdicts on a product's windows, as a lake has them."""

from __future__ import annotations

from headwater.lake.errors import NotFound
from headwater.lake.protocol import Lake
from headwater.monitor.newest import NEWEST_FILE, Newest


def newest_at(lake: Lake, ref: str, product: str) -> Newest:
    """Those at a ref; empty where no window was judged. Raises `ValueError` for a file of another shape."""
    try:
        path = lake.fetch(ref, f"{product}/drift/{NEWEST_FILE}")
    except NotFound:
        return Newest()
    return Newest.model_validate_json(path.read_text(encoding="utf-8"))
