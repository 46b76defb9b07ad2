"""Loading the language model: safetensors by memory map, the tokenizer, and an adapter on top."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headwater.fingerprint import digest_file, digest_folder


def choose_device(device: str | None = None) -> str:
    """The given device, else `cuda` where there is one, else `cpu`."""
    import torch

    return device or ("cuda" if torch.cuda.is_available() else "cpu")


def load_tokenizer(base: Path) -> Any:
    """The tokenizer with its chat template from a base model's folder. Raises `FileNotFoundError`."""
    _require(base, "tokenizer.json", "tokenizer_config.json")
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast.from_pretrained(base, local_files_only=True)


def load_model(
    base: Path, adapter: Path | None = None, *, device: str | None = None, merge: bool = False
) -> Any:
    """The causal language model of a base folder, in evaluation mode.

    Weights are mapped into memory, float32 on a CPU and bfloat16 on a GPU. `adapter` is a folder with a LoRA
    adapter, which is put on top; `merge` folds it into the weights, which makes generation faster. Raises
    `FileNotFoundError` for a folder that is not a model and `ValueError` for an adapter of another model.
    """
    _require(base, "config.json", "model.safetensors")
    import torch
    from transformers import AutoModelForCausalLM

    where = choose_device(device)
    with quiet():
        model: Any = AutoModelForCausalLM.from_pretrained(
            base,
            dtype=torch.bfloat16 if where.startswith("cuda") else torch.float32,
            local_files_only=True,
            use_safetensors=True,
        )
        model.to(where)
        if adapter is not None:
            model = _with_adapter(model, adapter, merge)
    return model.eval()


def _with_adapter(model: Any, adapter: Path, merge: bool) -> Any:
    _require(adapter, "adapter_config.json", "adapter_model.safetensors")
    from peft import PeftModel

    try:
        adapted = PeftModel.from_pretrained(model, str(adapter))
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"the adapter does not belong to this base model: {error}") from error
    return adapted.merge_and_unload() if merge else adapted


@contextmanager
def quiet() -> Generator[None]:
    """Keep transformers' progress bars and notices, which are for people at a terminal, out of the logs."""
    from transformers.utils import logging

    verbosity = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


@contextmanager
def reproducible(threads: int | None, seed: int = 0) -> Generator[None]:
    """Deterministic kernels, a fixed number of CPU threads and a seed; what was set before is restored.

    Sums depend on how many threads share them: the same bytes need the same number of threads.
    """
    import torch

    before = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    state = torch.random.get_rng_state()
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        torch.use_deterministic_algorithms(deterministic)
        torch.random.set_rng_state(state)


def digest_of(folder: Path) -> str:
    """Digest of all files below a model's or dataset's folder: what a model card names as its input."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return digest_folder(
        (path.relative_to(folder).as_posix(), digest_file(path), path.stat().st_size) for path in files
    )


def _require(folder: Path, *names: str) -> None:
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(f"{folder.name} lacks {', '.join(missing)}: not the folder of such a model")
