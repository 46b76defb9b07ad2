"""Schemas of every dataset, each written once as a Pandera model."""

from headwater.schemas.dataset import Dataset
from headwater.schemas.gold import (
    CHUNKS,
    QUESTIONS,
    RETRIEVAL_RESULTS,
    SPLITS,
    TRAINING_SET,
    embeddings,
)
from headwater.schemas.tiers import BRONZE, QUARANTINE, RAW, SILVER

__all__ = [
    "BRONZE",
    "CHUNKS",
    "QUARANTINE",
    "QUESTIONS",
    "RAW",
    "RETRIEVAL_RESULTS",
    "SILVER",
    "SPLITS",
    "TRAINING_SET",
    "Dataset",
    "embeddings",
]
