"""How a model is fine-tuned: the configuration that a product's YAML holds."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class FineTuning(BaseModel):
    """How the model is fine-tuned.

    The defaults were chosen by the loss on commands of services kept out of training, at about equal CPU
    time: all linear layers before attention alone, batches of 2 before 4 (more steps), 0.002 before 0.001.
    They take about four minutes of one core for the packaged base model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int = Field(default=8, ge=1, description="Rank of the adapter's matrices")
    alpha: int = Field(default=16, ge=1, description="The adapter is scaled by alpha / rank")
    targets: tuple[str, ...] = Field(
        default=("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
        min_length=1,
        description="Names of the linear layers that are adapted",
    )
    learning_rate: float = Field(default=2e-3, gt=0, description="Highest rate, reached after the warmup")
    weight_decay: float = Field(default=0.0, ge=0, description="AdamW's decay of the adapter's weights")
    max_gradient_norm: float = Field(default=1.0, gt=0, description="Gradients are scaled down to this norm")
    steps: int = Field(default=60, ge=1, description="Optimizer steps")
    warmup: int = Field(default=4, ge=0, description="Steps in which the rate climbs")
    batch_size: int = Field(default=2, ge=1, description="Examples a step")
    micro_batch_size: int = Field(
        default=2, ge=1, description="Examples computed at once: bounds memory, changes only the last bits"
    )
    max_tokens: int = Field(
        default=192,
        ge=16,
        description="Of prompt and answer: a longer answer loses its end, a longer prompt is left out",
    )
    checkpoint_every: int = Field(default=10, ge=1, description="Steps between checkpoints")
    evaluate_every: int = Field(
        default=30, ge=1, description="Steps between validation losses, which frame the training as well"
    )
    validation_examples: int = Field(default=12, ge=0, description="Validation examples, in hashed order")
    threads: int = Field(default=2, ge=1, description="CPU threads; another number gives other last bits")
    seed: int = Field(default=0, description="Of the adapter's start and of the order of examples")
