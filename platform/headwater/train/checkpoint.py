"""Checkpoints: one safetensors file with the adapter, the optimizer's moments and the history so far."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "checkpoint.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """The state after `step` steps. `history` is what `training.json` will say of them."""

    step: int
    history: list[dict[str, Any]]
    adapter: dict[str, Any]
    moments: dict[str, Any]


def save_checkpoint(folder: Path, identity: str, checkpoint: Checkpoint) -> None:
    """Replace the folder's checkpoint in one move: a kill leaves the old one or the new one.

    `identity` names the computation; the state of another one is never taken up.
    """
    from safetensors.torch import save_file

    tensors = {f"adapter:{name}": tensor for name, tensor in checkpoint.adapter.items()}
    tensors |= {f"moments:{name}": tensor for name, tensor in checkpoint.moments.items()}
    state = {"identity": identity, "step": checkpoint.step, "history": checkpoint.history}
    partial = folder / f"{FILE}.partial"
    save_file(
        {name: tensor.cpu().contiguous() for name, tensor in tensors.items()},
        partial,
        metadata={"state": json.dumps(state)},
    )
    with partial.open("rb") as stream:
        os.fsync(stream.fileno())
    partial.replace(folder / FILE)


def load_checkpoint(folder: Path, identity: str) -> Checkpoint | None:
    """The folder's checkpoint of this very computation, or None: absent, of another one, or unreadable."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / FILE, framework="pt") as file:
            state = json.loads(file.metadata()["state"])
            if state["identity"] != identity:
                return None
            names: list[str] = file.keys()
            tensors = {name: file.get_tensor(name) for name in names}
    except (FileNotFoundError, SafetensorError):
        return None
    return Checkpoint(
        step=state["step"],
        history=state["history"],
        adapter=_under("adapter:", tensors),
        moments=_under("moments:", tensors),
    )


def moments_of(optimizer: Any) -> dict[str, Any]:
    """The optimizer's tensors by `<parameter's number>.<name>`."""
    state: dict[int, dict[str, Any]] = optimizer.state_dict()["state"]
    return {f"{number}.{name}": value for number, entry in state.items() for name, value in entry.items()}


def set_moments(optimizer: Any, moments: dict[str, Any]) -> None:
    """Put tensors made by `moments_of` back into an optimizer over the same parameters."""
    state: dict[int, dict[str, Any]] = {}
    for key, value in moments.items():
        number, name = key.split(".", 1)
        state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def _under(prefix: str, tensors: dict[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
