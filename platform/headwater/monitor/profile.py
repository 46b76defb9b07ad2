"""The reference profile of a release: what its questions looked like when it was made.

Two files: `profile.json` (what people and the service read) and `profile.safetensors` (the arrays).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from headwater.fingerprint import canonical_json, digest_bytes
from headwater.monitor import clusters as clustering
from headwater.monitor.clusters import Floats, Rows
from headwater.monitor.null_table import NullTable, null_table
from headwater.monitor.profile_files import FORMAT, arrays_of, contents, facts_of
from headwater.monitor.rows import Observed, OtherEmbedder
from headwater.monitor.served import NONE_YET, Served
from headwater.monitor.text_statistics import measured, vocabulary

JSON_FILE, ARRAYS_FILE = "profile.json", "profile.safetensors"
SAMPLE_ROWS = 5000
COMPONENTS = 64
BINS = 10
ANSWERABLE_LEVEL = 0.05
LEVELS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
LEAST_ROWS, LEAST_CLUSTERS = 40, 4


class OtherFormat(ValueError):
    """The profile was written by another version of Headwater; the message says what to do."""


class Insufficient(ValueError):
    """There are too few questions for a profile; the message says how many."""


@dataclass(frozen=True)
class Profile:
    """A reference as it is kept. Build one with `build`, read one with `Profile.load`.

    `reference` holds the sampled questions without their texts; its `measures` include the text statistics.
    `answerable_similarity` is the cosine that 95% of the reference's questions reach. `mean` [d], `basis`
    [k, d] and `variances` [k] describe the embeddings. `edges` are inner bin edges of every measure. `served`
    is how the service did before, None for a first release; `notes` say what was not measured, and why.
    """

    name: str
    reference: Observed
    words: Mapping[str, int]
    similarity_quantiles: Mapping[str, float]
    answerable_similarity: float
    mean: Floats
    basis: Floats
    variances: Floats
    edges: Mapping[str, Sequence[float]]
    nulls: NullTable
    served: Served | None = None
    notes: tuple[str, ...] = ()
    digest: str = ""

    def expect(self, embedder: str) -> None:
        """Raise `OtherEmbedder` unless vectors of this embedder may be compared with the profile's."""
        if embedder != self.reference.embedder:
            raise OtherEmbedder(
                f"the profile's vectors come from embedder {self.reference.embedder}, these from {embedder}: "
                "build a new profile with the release's embedder"
            )

    def save(self, folder: Path) -> None:
        """Write both files; equal profiles give equal bytes."""
        from safetensors.numpy import save

        folder.mkdir(parents=True, exist_ok=True)
        arrays = save(arrays_of(self))
        (folder / ARRAYS_FILE).write_bytes(arrays)
        (folder / JSON_FILE).write_text(
            canonical_json(facts_of(self, digest_bytes(arrays))), encoding="utf-8"
        )

    @classmethod
    def load(cls, folder: Path) -> Profile:
        """Read both files.

        Raises `Insufficient` with the reason where there were too few questions, `OtherFormat`, and
        `ValueError` for files that do not belong together.
        """
        from safetensors.numpy import load

        text = (folder / JSON_FILE).read_text(encoding="utf-8")
        facts: dict[str, Any] = json.loads(text)
        if facts.get("format") != FORMAT:
            raise OtherFormat(
                f"{JSON_FILE} of the release has format {facts.get('format')!r}, expected {FORMAT}: "
                "build the product again"
            )
        if "insufficient" in facts:
            raise Insufficient(facts["insufficient"])
        data = (folder / ARRAYS_FILE).read_bytes()
        if digest_bytes(data) != facts["arrays"]:
            raise ValueError(f"{ARRAYS_FILE} is not the one that {JSON_FILE} was written with")
        return cls(**contents(facts, load(data)), digest=digest_bytes(text.encode()))


def build(
    name: str, reference: Observed, *, served: Served | None = None, notes: Sequence[str] = ()
) -> Profile:
    """Make a profile of a release's questions; `name` (product and commit, say) seeds what is drawn.

    At most 5,000 rows are kept, in whole clusters. Raises what `require_enough` raises.
    """
    require_enough(reference)
    similarity = reference.similarity[~np.isnan(reference.similarity)]
    kept = clustering.drawn(reference.clusters, SAMPLE_ROWS, clustering.seeded(name, "sample"))
    sample = _taken(reference, kept)
    words = vocabulary(sample.texts, sample.clusters)
    statistics = measured(sample.texts, words, own=sample.clusters)
    mean, basis, variances = _components(sample.embeddings)
    measures = {**statistics, **sample.measures}
    profile = Profile(
        name=name,
        reference=replace(sample, texts=[""] * sample.rows, measures=measures),
        words=words,
        similarity_quantiles={str(level): float(np.quantile(similarity, level)) for level in LEVELS},
        answerable_similarity=float(np.quantile(similarity, ANSWERABLE_LEVEL)),
        mean=mean,
        basis=basis,
        variances=variances,
        edges={key: _edges(values) for key, values in sorted(measures.items())},
        nulls=null_table(sample.embeddings, sample.clusters, clustering.seeded(name, "null")),
        served=served,
        notes=(*notes, *(() if served is not None else (NONE_YET,))),
    )
    from safetensors.numpy import save

    text = canonical_json(facts_of(profile, digest_bytes(save(arrays_of(profile)))))
    return replace(profile, digest=digest_bytes(text.encode()))


def require_enough(reference: Observed) -> None:
    """Raise `Insufficient` for fewer than 40 rows or 4 clusters, or when no question has a similarity."""
    clusters = clustering.count(reference.clusters)
    if reference.rows < LEAST_ROWS or clusters < LEAST_CLUSTERS:
        raise Insufficient(
            f"a profile needs {LEAST_ROWS} questions in {LEAST_CLUSTERS} clusters or more, not "
            f"{reference.rows} in {clusters}"
        )
    if np.isnan(reference.similarity).all():
        raise Insufficient("no question of the reference has a similarity to the index")


def write_insufficient(folder: Path, name: str, reference: Observed, reason: str) -> None:
    """Write a `profile.json` that says why there is no profile; equal arguments give equal bytes."""
    facts = {
        "format": FORMAT,
        "name": name,
        "embedder": reference.embedder,
        "rows": reference.rows,
        "clusters": clustering.count(reference.clusters),
        "answerable_similarity": None,
        "insufficient": reason,
    }
    (folder / JSON_FILE).write_text(canonical_json(facts), encoding="utf-8")


def _components(embeddings: Floats) -> tuple[Floats, Floats, Floats]:
    mean = embeddings.mean(axis=0, dtype=np.float64)
    centred = embeddings - mean
    variances, vectors = np.linalg.eigh(centred.T @ centred / len(embeddings))
    largest = np.argsort(-variances, kind="stable")[:COMPONENTS]
    basis = vectors[:, largest].T
    signs = np.sign(basis[np.arange(len(basis)), np.abs(basis).argmax(axis=1)])
    return (
        mean.astype(np.float32),
        (basis * signs[:, None]).astype(np.float32),
        variances[largest].astype(np.float32),
    )


def _edges(values: Floats) -> list[float]:
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return []
    return [float(edge) for edge in np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))]


def _taken(rows: Observed, kept: Rows) -> Observed:
    def at(values: Floats | None) -> Floats | None:
        return None if values is None else values[kept]

    return Observed(
        embedder=rows.embedder,
        texts=[rows.texts[place] for place in map(int, kept)],
        clusters=np.unique(rows.clusters[kept], return_inverse=True)[1].astype(np.int64),
        embeddings=np.ascontiguousarray(rows.embeddings[kept], dtype=np.float32),
        similarity=rows.similarity[kept].astype(np.float32),
        down=at(rows.down),
        grounded=at(rows.grounded),
        contradicts=at(rows.contradicts),
        measures={name: values[kept] for name, values in sorted(rows.measures.items())},
        kinds={
            name: [values[place] for place in map(int, kept)] for name, values in sorted(rows.kinds.items())
        },
    )
