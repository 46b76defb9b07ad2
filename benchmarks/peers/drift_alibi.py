"""alibi-detect's MMD and Kolmogorov-Smirnov detectors with their defaults; runs in its own environment.

Prints per detector whether each window was called drift, and the median CPU seconds of one, as JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
from alibi_detect.cd import KSDrift, MMDDrift


def main(folder: Path) -> None:
    """Judge every window of the folder by every detector."""
    detectors = {
        "alibi MMD": lambda reference: MMDDrift(reference, backend="pytorch", p_val=0.05),
        "alibi KS": lambda reference: KSDrift(reference, p_val=0.05),
    }
    found: dict[str, tuple[list[bool], float]] = {}
    for name, make in detectors.items():
        flags: list[bool] = []
        seconds: list[float] = []
        for path in sorted(folder.glob("*.npz")):
            rows = np.load(path)
            began = time.process_time()
            drifted = make(rows["reference"]).predict(rows["window"])["data"]["is_drift"]
            seconds.append(time.process_time() - began)
            flags.append(bool(drifted))
        found[name] = (flags, statistics.median(seconds))
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
