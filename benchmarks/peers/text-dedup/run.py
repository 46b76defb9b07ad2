"""text-dedup on the benchmark's corpus: `run.py near CORPUS OUT` writes the kept ids to OUT/kept.json."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from datasets import load_from_disk


def main() -> None:
    """Run MinHash with 16 bands of 8 over 5-grams, the settings nearest to the others'."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=("near",))
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    options, _ = parser.parse_known_args()
    options.out.mkdir(parents=True, exist_ok=True)
    given = {
        "path": "parquet",
        "data_files": options.corpus,
        "split": "train",
        "cache_dir": options.out / "cache",
        "output": options.out / "kept",
        "column": "text",
        "num_perm": 128,
        "b": 16,
        "r": 8,
        "ngram": 5,
        "threshold": 0.8,
        "min_length": 0,
        "hash_func": "xxh3",
        "num_proc": 1,
    }
    arguments = [text for name, value in given.items() for text in (f"--{name}", str(value))]
    subprocess.run([sys.executable, "-m", "text_dedup.minhash", *arguments], check=True)
    kept = load_from_disk(str(options.out / "kept"))["id"]
    (options.out / "kept.json").write_text(json.dumps(list(kept)), encoding="utf-8")


if __name__ == "__main__":
    main()
