"""Evidently's embedding rules with their defaults, on the windows of `drift.py`; runs in its own environment.

Prints per rule whether each window was called drift, and the median CPU seconds of one, as JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from evidently.legacy.metrics.data_drift.embedding_drift_methods import distance, mmd, model, ratio

RULES = {"model": model, "mmd": mmd, "distance": distance, "ratio": ratio}


def main(folder: Path) -> None:
    """Judge every window of the folder by every rule."""
    found: dict[str, tuple[list[bool], float]] = {}
    for name, make in RULES.items():
        flags: list[bool] = []
        seconds: list[float] = []
        for path in sorted(folder.glob("*.npz")):
            rows = np.load(path)
            window, reference = pd.DataFrame(rows["window"]), pd.DataFrame(rows["reference"])
            began = time.process_time()
            _, drifted, _ = make()(window, reference)
            seconds.append(time.process_time() - began)
            flags.append(bool(drifted))
        found[f"Evidently {name}"] = (flags, statistics.median(seconds))
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
