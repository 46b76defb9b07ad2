"""What curation's own measures say of questions: how offensive, and how much like text, each one is."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence

import numpy as np

from headwater.monitor.clusters import Floats

TOXICITY_PACKAGE = "profanity_check"
WITHOUT_TOXICITY = "toxicity: the extra `toxicity` is not installed"


def scores_of(texts: Sequence[str], languages: Sequence[str]) -> Mapping[str, Floats]:
    """`quality` and, where its extra is installed, `toxicity` of each text, float32 [texts].

    Quality is the share of the rules of curation's step `quality` that the text keeps, with that step's
    defaults. Toxicity is the step's probability, NaN for another language than English.
    """
    import pyarrow as pa

    from headwater.curate.quality import Quality
    from headwater.curate.toxicity import Toxicity

    columns = {"text": pa.array(texts, pa.string()), "language": pa.array(languages, pa.string())}
    batch = pa.RecordBatch.from_pydict(columns)
    scores = {"quality": np.asarray(Quality().kept_share(batch), dtype=np.float32)}
    if toxicity_is_measured():
        found = Toxicity(max_toxicity=None)(batch).column("toxicity").to_pylist()
        scores["toxicity"] = np.asarray([np.nan if one is None else one for one in found], dtype=np.float32)
    return scores


def toxicity_is_measured() -> bool:
    """Whether the extra is installed."""
    return importlib.util.find_spec(TOXICITY_PACKAGE) is not None
