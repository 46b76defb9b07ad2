"""Arrow's compute functions, which are generated at import, so that no type checker knows them."""

from __future__ import annotations

import importlib
from typing import Any

pc: Any = importlib.import_module("pyarrow.compute")
