"""What the service says about each request to whoever keeps it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from headwater.index.encoder import Vectors

Record = Mapping[str, Any]


class RequestLog(Protocol):
    """Keeps requests and feedback. No method may block or raise: they are called between two tokens.

    Records hold what people wrote and who they are as it came: the log redacts texts and makes pseudonyms of
    `user` and `session` before anything is kept.
    """

    @property
    def dropped_total(self) -> int:
        """Records that could not be kept since the start."""
        ...

    def request(self, record: Record) -> None:
        """A request was answered, refused or left."""
        ...

    def feedback(self, record: Record) -> None:
        """Somebody judged a response."""
        ...


def half_precision(vector: Vectors | None) -> str:
    """An embedding as base64 of little-endian float16; empty without one."""
    return "" if vector is None else base64.b64encode(np.asarray(vector, dtype="<f2").tobytes()).decode()
