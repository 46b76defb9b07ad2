"""The LoRA adapter: put on a model, and written as files that hold nothing of this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from headwater.tables import write_json

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"


def add_adapter(model: Any, *, rank: int, alpha: int, targets: Sequence[str]) -> Any:
    """The model with a fresh adapter on the layers called `targets`; only the adapter can be trained.

    LoRA (Hu et al., ICLR 2022). Raises `ValueError` for targets that the model does not have.
    """
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        lora_dropout=0.0,
        bias="none",
        task_type="CAUSAL_LM",
        target_modules=sorted(targets),
    )
    return get_peft_model(model, config)


def weights_of(model: Any) -> dict[str, Any]:
    """The adapter's tensors by name, as peft names them in a file; shared with the model, not copied."""
    from peft import get_peft_model_state_dict

    return {name: tensor.detach() for name, tensor in sorted(get_peft_model_state_dict(model).items())}


def set_weights(model: Any, weights: Mapping[str, Any]) -> None:
    """Put tensors made by `weights_of` back into the model."""
    from peft import set_peft_model_state_dict

    set_peft_model_state_dict(model, dict(weights))


def save_adapter(model: Any, folder: Path) -> None:
    """Write the adapter below `folder`, readable with peft; equal adapters give equal bytes.

    peft's own writer would record the base model's path and the hash order of sets.
    """
    from safetensors.torch import save_file

    save_file(
        {name: tensor.cpu().contiguous() for name, tensor in weights_of(model).items()},
        folder / WEIGHTS,
        metadata={"format": "pt"},
    )
    config: dict[str, Any] = model.peft_config["default"].to_dict()
    config["base_model_name_or_path"] = "base_model"
    config["inference_mode"] = True
    write_json(folder / CONFIG, {name: _plain(value) for name, value in config.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(value)
    return value.value if isinstance(value, Enum) else value
