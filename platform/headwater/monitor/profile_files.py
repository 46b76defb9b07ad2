"""The two files of a profile: its arrays, and its facts as JSON, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from headwater.monitor import clusters as clustering
from headwater.monitor.clusters import Floats
from headwater.monitor.null_table import NullTable
from headwater.monitor.rows import Observed
from headwater.monitor.served import Served

if TYPE_CHECKING:
    from headwater.monitor.profile import Profile

FORMAT = 2
_OPTIONAL = ("down", "grounded", "contradicts")
_SERVED = ("latency_ms", "down", "clusters")
_PLAIN = ("name", "words", "similarity_quantiles", "answerable_similarity", "edges")


def arrays_of(profile: Profile) -> dict[str, npt.NDArray[Any]]:
    """What stands in the file of arrays, by name."""
    rows = profile.reference
    arrays: dict[str, npt.NDArray[Any]] = {
        "embeddings": rows.embeddings,
        "clusters": rows.clusters,
        "similarity": rows.similarity,
        "mean": profile.mean,
        "basis": profile.basis,
        "variances": profile.variances,
    }
    for name in _OPTIONAL:
        values: Floats | None = getattr(rows, name)
        if values is not None:
            arrays[name] = values
    for name, values in rows.measures.items():
        arrays[f"measure.{name}"] = values
    for name, kinds in rows.kinds.items():
        arrays[f"kind.{name}"] = np.unique(np.asarray(kinds), return_inverse=True)[1].astype(np.int32)
    for name in _SERVED if profile.served is not None else ():
        arrays[f"served.{name}"] = getattr(profile.served, name)
    return {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}


def facts_of(profile: Profile, arrays: str) -> dict[str, Any]:
    """What stands in the JSON file; `arrays` is the digest of the other one."""
    rows = profile.reference
    return {
        "format": FORMAT,
        "name": profile.name,
        "embedder": rows.embedder,
        "rows": rows.rows,
        "clusters": clustering.count(rows.clusters),
        "answerable_similarity": profile.answerable_similarity,
        "similarity_quantiles": dict(profile.similarity_quantiles),
        "kinds": {name: sorted(set(values)) for name, values in rows.kinds.items()},
        "edges": {name: list(values) for name, values in profile.edges.items()},
        "nulls": {
            "clusters": list(profile.nulls.clusters),
            "quantiles": [list(row) for row in profile.nulls.quantiles],
        },
        "served": None if profile.served is None else _served_facts(profile.served),
        "notes": list(profile.notes),
        "words": dict(profile.words),
        "arrays": arrays,
    }


def _served_facts(served: Served) -> dict[str, Any]:
    return {"requests": dict(served.requests), "windows": served.windows, "failed": served.failed}


def _read_served(facts: Mapping[str, Any] | None, arrays: Mapping[str, npt.NDArray[Any]]) -> Served | None:
    if facts is None:
        return None
    latency, down, clusters = (arrays[f"served.{name}"] for name in _SERVED)
    return Served(facts["requests"], facts["windows"], facts["failed"], latency, down, clusters)


def contents(facts: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, Any]:
    """The fields of the profile that was written so, but for its digest."""
    reference = Observed(
        embedder=facts["embedder"],
        texts=[""] * facts["rows"],
        clusters=arrays["clusters"],
        embeddings=arrays["embeddings"],
        similarity=arrays["similarity"],
        down=arrays.get("down"),
        grounded=arrays.get("grounded"),
        contradicts=arrays.get("contradicts"),
        measures={
            name.removeprefix("measure."): values
            for name, values in sorted(arrays.items())
            if name.startswith("measure.")
        },
        kinds={
            name: [names[number] for number in arrays[f"kind.{name}"]]
            for name, names in facts["kinds"].items()
        },
    )
    return {
        "reference": reference,
        "nulls": NullTable(facts["nulls"]["clusters"], facts["nulls"]["quantiles"]),
        "served": _read_served(facts["served"], arrays),
        "notes": tuple(facts["notes"]),
        **{name: facts[name] for name in _PLAIN},
        **{name: arrays[name] for name in ("mean", "basis", "variances")},
    }
