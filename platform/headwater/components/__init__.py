"""The Dagster face: components that a product's `defs.yaml` names."""

from headwater.components.corpus import Corpus
from headwater.components.embedding_index import EmbeddingIndex
from headwater.components.evaluation import Evaluation
from headwater.components.language_model import LanguageModel
from headwater.components.monitoring import Monitoring
from headwater.components.upkeep import Upkeep

__all__ = ["Corpus", "EmbeddingIndex", "Evaluation", "LanguageModel", "Monitoring", "Upkeep"]
