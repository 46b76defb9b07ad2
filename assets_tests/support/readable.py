"""What can be read at a ref of a lake."""

from __future__ import annotations

import json

import pyarrow.parquet as pq

from headwater.lake import Lake


def everything(lake: Lake, ref: str, *, but: str = "") -> bytes:
    """All readable bytes of a ref, tables as text, without the object at the path `but`."""
    found: list[bytes] = []
    for item in lake.list(ref):
        if item.path == but:
            continue
        path = lake.fetch(ref, item.path)
        if item.path.endswith(".parquet"):
            found.append(json.dumps(pq.ParquetFile(path).read().to_pylist(), default=repr).encode())
        else:
            found.append(path.read_bytes())
    return b"\n".join(found)
