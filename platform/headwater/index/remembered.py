"""An embedder that embeds each text once a machine: profile and evaluation ask about the same questions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

from headwater.fingerprint import digest_text
from headwater.index.embed import arithmetic, describe
from headwater.index.embedder import Embedder, EmbeddingModel
from headwater.index.encoder import Vectors
from headwater.index.layout import INDEX_FILE
from headwater.index.search import SearchIndex
from headwater.index.vector_cache import VectorCache
from headwater.tables import read_json

FOLDER = "question_embeddings"


class RememberingEmbedder(Embedder):
    """Keeps what it embeds below `cache`, by all that a vector's bits depend on and the text's digest.

    A text's vector does not depend on its companions, so a kept one has the bytes of a new one. Of processes
    that want the same texts at once, one computes and the others wait. The folder may be deleted at any time.
    """

    def __init__(self, model: EmbeddingModel, cache: Path) -> None:
        """Load the model. Raises what `Embedder` raises."""
        super().__init__(model)
        described = describe(model)
        self._kept = VectorCache(cache / FOLDER / arithmetic(described), self.dimensions)
        self._lock = FileLock(self._kept.folder / "computing.lock")

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`."""
        by_digest = {digest_text(text): text for text in texts}
        if any(digest not in self._kept for digest in by_digest):
            self._kept.folder.mkdir(parents=True, exist_ok=True)
            with self._lock:
                self._kept.refresh()
                new = {digest: text for digest, text in by_digest.items() if digest not in self._kept}
                if new:
                    self._kept.add(list(new), super().embed(list(new.values())))
                    self._kept.refresh()
        return self._kept.gather(digest_text(text) for text in texts)


def open_remembering(folder: Path, cache: Path) -> SearchIndex:
    """The index in `folder`, asked by a `RememberingEmbedder`. Raises what `SearchIndex.open` raises."""
    model = EmbeddingModel.model_validate(read_json(folder / INDEX_FILE)["embedder"]["model"])
    return SearchIndex.open(folder, RememberingEmbedder(model, cache))
