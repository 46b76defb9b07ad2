"""data-juicer on the benchmark's corpus: `run.py recipe|near CORPUS OUT --language-model F`.

Writes the ids of the documents that it keeps to OUT/kept.json.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

NEAR: list[dict[str, Any]] = [
    {"document_deduplicator": {}},
    {
        "document_minhash_deduplicator": {
            "tokenization": "space",
            "window_size": 5,
            "num_permutations": 128,
            "jaccard_threshold": 0.8,
            "num_bands": 16,
            "num_rows_per_band": 8,
        }
    },
]
RECIPE: list[dict[str, Any]] = [
    {"fix_unicode_mapper": {}},
    {"whitespace_normalization_mapper": {}},
    {"language_id_score_filter": {"lang": "en", "min_score": 0.65}},
    {"alphanumeric_filter": {}},
    {"average_line_length_filter": {}},
    {"character_repetition_filter": {}},
    {"maximum_line_length_filter": {}},
    {"special_characters_filter": {}},
    {"text_length_filter": {}},
    {"words_num_filter": {}},
    {"word_repetition_filter": {}},
    {"clean_email_mapper": {}},
    {"clean_ip_mapper": {}},
    *NEAR,
]


def main() -> None:
    """Write the recipe as its configuration file, run it, and read the ids that remain."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=("recipe", "near"))
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--language-model", type=Path)
    options, _ = parser.parse_known_args()
    out: Path = options.out.resolve()
    models = out / "home" / "models"
    models.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(options.language_model, models / "lid.176.bin")
    config = {
        "project_name": "benchmark",
        "dataset_path": str(options.corpus.resolve()),
        "export_path": str(out / "kept.jsonl"),
        "work_dir": str(out / "work"),
        "np": 1,
        "use_cache": False,
        "open_tracer": False,
        "process": RECIPE if options.work == "recipe" else NEAR,
    }
    recipe = out / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    # It would install what it misses from the network.
    env = {
        **os.environ,
        "DATA_JUICER_CACHE_HOME": str(out / "home"),
        "HF_HUB_OFFLINE": "1",
        "PIP_NO_INDEX": "1",
    }
    subprocess.run(
        [str(Path(sys.executable).parent / "dj-process"), "--config", str(recipe)], check=True, env=env
    )
    with (out / "kept.jsonl").open(encoding="utf-8") as lines:
        kept = [json.loads(line)["id"] for line in lines]
    (out / "kept.json").write_text(json.dumps(kept), encoding="utf-8")


if __name__ == "__main__":
    main()
