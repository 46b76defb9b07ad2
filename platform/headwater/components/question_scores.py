"""What the measures of a question depend on, for the recipes of the assets that take them."""

from __future__ import annotations

from headwater.curate.quality import Quality
from headwater.curate.toxicity import Toxicity

SCORES_CODE = (
    "headwater.monitor.measures",
    "headwater.monitor.perplexity",
    "headwater.monitor.scores",
    "headwater.curate.quality",
    "headwater.curate.toxicity",
    "headwater.train.completion",
    "headwater.train.model",
    *Quality.modules,
)
SCORES_LIBRARIES = (*Toxicity.libraries, "torch", "transformers", "tokenizers")
