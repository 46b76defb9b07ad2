"""Made-up embeddings with topics: rows of a document resemble each other, as real ones do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from headwater.monitor.clusters import Floats, seeded
from headwater.monitor.profile import Profile, build
from headwater.monitor.rows import Observed

DIMENSIONS = 32
Draw = Callable[..., Observed]
SUBJECTS = ("bucket", "queue", "table", "function", "cluster", "policy", "network", "volume")


def questions(
    seed: str, clusters: int, *, rows: int = 3, foreign: float = 0.0, embedder: str = "one", length: int = 8
) -> Observed:
    """`clusters` sessions of `rows` questions each; a share of the sessions is about something else."""
    generator = seeded(seed)
    topics = seeded("topics").normal(size=(20, DIMENSIONS))
    strange_topic = seeded("strange").normal(size=DIMENSIONS) * 1.5
    strange = np.arange(clusters) < round(clusters * foreign)
    centres = (
        topics[generator.integers(0, 20, clusters)] + generator.normal(size=(clusters, DIMENSIONS)) * 0.4
    )
    centres[strange] = strange_topic
    vectors = np.repeat(centres, rows, axis=0) + generator.normal(size=(clusters * rows, DIMENSIONS)) * 0.5
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    away = np.repeat(strange, rows)
    similarity = np.where(away, 0.2, 0.7) + generator.normal(size=len(away)) * 0.08
    words = generator.integers(0, len(SUBJECTS), (len(away), length))
    return Observed(
        embedder=embedder,
        texts=[" ".join(SUBJECTS[word] for word in line) for line in words],
        clusters=np.repeat(np.arange(clusters), rows),
        embeddings=vectors.astype(np.float32),
        similarity=similarity.astype(np.float32),
        nearest=["docs/far.html" if one else "docs/near.html" for one in away],
        down=_votes(generator, len(away), 0.1),
        grounded=_votes(generator, len(away), 0.9),
        kinds={"language": ["en" if value < 0.9 else "de" for value in generator.random(len(away))]},
    )


def _votes(generator: np.random.Generator, rows: int, share: float) -> Floats:
    return (generator.random(rows) < share).astype(np.float32)


@pytest.fixture(scope="session")
def draw() -> Draw:
    """Draws questions; see `questions`."""
    return questions


@pytest.fixture(scope="session")
def profile() -> Profile:
    """Of 1,500 questions in 500 sessions."""
    return build("docs@1", questions("reference", 500))
