"""Schemas of every dataset, each written once, for Arrow and for Pandera."""

from headwater.schemas.batch import BATCH_ANSWERS
from headwater.schemas.dataset import Dataset
from headwater.schemas.gold import (
    CHUNK_STATE,
    CHUNKS,
    QUESTIONS,
    RETRIEVAL_RESULTS,
    SPLITS,
    TRAINING_SET,
    embeddings,
)
from headwater.schemas.inference import FEEDBACK, INFERENCE
from headwater.schemas.monitoring import ANSWERS, DRIFT
from headwater.schemas.tiers import BRONZE, DUPLICATES, PAIRS, QUARANTINE, RAW, SILVER, STATE

__all__ = [
    "ANSWERS",
    "BATCH_ANSWERS",
    "BRONZE",
    "CHUNKS",
    "CHUNK_STATE",
    "DRIFT",
    "DUPLICATES",
    "FEEDBACK",
    "INFERENCE",
    "PAIRS",
    "QUARANTINE",
    "QUESTIONS",
    "RAW",
    "RETRIEVAL_RESULTS",
    "SILVER",
    "SPLITS",
    "STATE",
    "TRAINING_SET",
    "Dataset",
    "embeddings",
]
