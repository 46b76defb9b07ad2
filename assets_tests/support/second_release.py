"""Further releases of the tiny product, made by putting objects in, for tests of what follows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from headwater.lake import Lake
from headwater.lake.records import data_version
from headwater.release import Release, releases
from headwater.settings import PRODUCTION

PRODUCT = "tiny"


def make_release(lake: Lake, objects: Mapping[str, bytes | None]) -> Release:
    """Release what production holds with some objects of the product put in, or taken out where None."""
    number = len(releases(lake, PRODUCT)) + 1
    branch = f"next-{number}"
    lake.create_branch(branch, PRODUCTION)
    with lake.change(branch, "Next") as change:
        for path, content in {"release/note.txt": b"%d" % number, **objects}.items():
            if content is None:
                change.delete(f"{PRODUCT}/{path}")
            else:
                change.put(f"{PRODUCT}/{path}", content)
    commit = lake.resolve(branch)
    version = str(data_version(lake, commit, f"{PRODUCT}/release/"))
    move(lake, commit, {"product": PRODUCT, "main_commit": commit, "data_version": version})
    lake.tag(f"{PRODUCT}-v{number}", PRODUCTION)
    return releases(lake, PRODUCT)[-1]


def move(lake: Lake, commit: str, metadata: Mapping[str, str] = {}) -> None:
    """Make production hold what a commit holds of the product."""
    with lake.change(PRODUCTION, f"Release {PRODUCT}", metadata) as change:
        change.adopt(f"{PRODUCT}/", commit)


def other_adapter(lake: Lake, scratch: Path) -> bytes:
    """An adapter of the right shape that answers differently."""
    import torch
    from safetensors.torch import load_file, save_file

    weights = load_file(lake.fetch(PRODUCTION, f"{PRODUCT}/model/adapter_model.safetensors"))
    chance = torch.Generator().manual_seed(1)
    for name, tensor in weights.items():
        if "lora_B" in name:
            weights[name] = torch.randn(tensor.shape, generator=chance) * 0.3
    save_file(weights, scratch / "adapter.safetensors", metadata={"format": "pt"})
    return (scratch / "adapter.safetensors").read_bytes()
