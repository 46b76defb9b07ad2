"""What a worker process loads."""

from __future__ import annotations

import subprocess
import sys

_WITHOUT_PANDAS = """
import sys
import pyarrow as pa
from headwater.curate.engine import worker
from headwater.curate.engine.no_pandas import hide_pandas
from headwater.curate.steps import make_step

make_step({"step": "pii", "kinds": ["email", "ip", "phone"]})
assert not {"pandas", "pandera", "polars", "numba"} & sys.modules.keys(), "loaded with the engine"
hide_pandas()
assert pa.array(["a", None]).fill_null("").to_pylist() == ["a", ""]
assert "pandas" not in sys.modules, "loaded by pyarrow"
assert pa.table({"a": [1]}).to_pandas()["a"].tolist() == [1]
import pandas
"""


def test_a_worker_loads_no_data_frames_and_who_needs_them_still_can() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_PANDAS], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
