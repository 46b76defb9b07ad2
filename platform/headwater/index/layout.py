"""Names of the files of embeddings and of an index: what the makers write and the search reads."""

from __future__ import annotations

EMBEDDER_FILE = "embedder.json"
"""Beside the embeddings: the model that made them."""

INDEX_FILE = "index.json"
VECTORS_FILE = "vectors.faiss"
PASSAGES_FILE = "passages.arrow"
LEXICAL_FOLDER = "lexical"
