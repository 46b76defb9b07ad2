"""A worker process: embeds what it reads from standard input and puts the vectors into the cache.

One JSON object a line. In: {"digests": [...], "ids": [[...], ...]}; out: {"rows", "cpu_seconds"}. It ends at
the end of its input, and so also when the build that started it was killed.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from headwater.index.embedder import Embedder, EmbeddingModel
from headwater.index.vector_cache import write_segment


def main(arguments: list[str]) -> int:
    """Arguments: the embedding model as JSON, the folder of the cache."""
    embedder = Embedder(EmbeddingModel.model_validate_json(arguments[0]))
    folder = Path(arguments[1])
    for line in sys.stdin:
        task = json.loads(line)
        started = time.process_time()
        write_segment(folder, task["digests"], embedder.embed_ids(task["ids"]))
        reply = {"rows": len(task["digests"]), "cpu_seconds": time.process_time() - started}
        print(json.dumps(reply), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
