from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from headwater.train.checkpoint import FILE, load_checkpoint
from headwater.train.config import FineTuning
from headwater.train.finetune import finetune
from headwater.train.maker import ModelMaker
from headwater.train.model import load_model
from headwater.train.process import WorkerFailed
from headwater.workspace import Workspace

CONFIG = FineTuning(
    rank=4,
    learning_rate=0.005,
    steps=12,
    warmup=2,
    batch_size=4,
    max_tokens=192,
    checkpoint_every=2,
    evaluate_every=6,
    validation_examples=4,
    threads=1,
)


@pytest.fixture
def training_set(make_training_set, documents) -> Path:
    return make_training_set(documents.catalogue(documents.services))[1]


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def quiet(what: str, done: int, total: int) -> None:
    pass


def request_for(home: Path, base_model: Path, training_set: Path, config: FineTuning = CONFIG) -> Path:
    home.mkdir()
    request = home / "request.json"
    paths = {name: str(home / name) for name in ("out", "scratch", "result")}
    request.write_text(
        json.dumps(
            {
                "config": config.model_dump(mode="json"),
                "base_model": str(base_model),
                "training_set": str(training_set),
                **paths,
            }
        )
    )
    return request


def start(request: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "headwater.train.finetune", "--request", str(request)],
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_a_killed_training_continues_to_the_same_bytes(base_model: Path, training_set: Path, tmp_path: Path):
    whole = tmp_path / "whole"
    finetune(CONFIG, base_model, training_set, whole, tmp_path / "scratch", quiet)

    request = request_for(tmp_path / "killed", base_model, training_set)
    with start(request) as process:
        assert process.stdout is not None
        for line in process.stdout:
            told = json.loads(line)
            if told["what"].startswith("training") and told["done"] >= 5:
                process.kill()
                break
    assert process.returncode == -9
    assert (tmp_path / "killed" / "scratch" / FILE).is_file()
    assert not (tmp_path / "killed" / "out").exists()

    with start(request) as process:
        process.communicate()
    assert process.returncode == 0
    result = json.loads((tmp_path / "killed" / "result").read_text())
    assert result["resumed_from"] >= 4
    assert digests(tmp_path / "killed" / "out") == digests(whole)


def test_training_lowers_the_loss_and_says_what_it_did(base_model: Path, training_set: Path, tmp_path: Path):
    out = tmp_path / "out"
    told: list[tuple[str, int, int]] = []
    numbers = finetune(
        CONFIG, base_model, training_set, out, tmp_path / "scratch", lambda *step: told.append(step)
    )
    assert {path.name for path in out.iterdir()} == {
        "adapter_model.safetensors",
        "adapter_config.json",
        "training.json",
        "model_card.md",
        "loss.png",
    }
    training = json.loads((out / "training.json").read_text())
    assert [entry["step"] for entry in training["steps"]] == list(range(13))
    assert [entry["step"] for entry in training["steps"] if "validation_loss" in entry] == [0, 6, 12]
    assert numbers["loss_last"] < numbers["loss_first"]
    assert numbers["validation_loss_after"] < numbers["validation_loss_before"]
    assert told[-1][1:] == (12, 12)
    card = (out / "model_card.md").read_text(encoding="utf-8")
    assert training["inputs"]["training_set"] in card
    assert "SmolLM2-135M-Instruct" in card
    for path in out.iterdir():
        assert str(tmp_path).encode() not in path.read_bytes()
        assert str(base_model).encode() not in path.read_bytes()


def test_the_adapter_loads_on_its_base_and_changes_it(base_model: Path, training_set: Path, tmp_path: Path):
    import torch

    finetune(
        CONFIG.model_copy(update={"steps": 2}), base_model, training_set, tmp_path / "out", tmp_path, quiet
    )
    ids = torch.tensor([[1, 500, 600, 700]])
    with torch.inference_mode():
        bare = load_model(base_model)(input_ids=ids).logits
        adapted = load_model(base_model, tmp_path / "out")(input_ids=ids).logits
        merged = load_model(base_model, tmp_path / "out", merge=True)(input_ids=ids).logits
    assert not torch.allclose(bare, adapted, atol=1e-4)
    assert torch.allclose(adapted, merged, atol=1e-3)


def test_a_checkpoint_of_another_computation_is_not_taken_up(
    base_model: Path, training_set: Path, tmp_path: Path
):
    short = CONFIG.model_copy(update={"steps": 2})
    finetune(short, base_model, training_set, tmp_path / "one", tmp_path / "scratch", quiet)
    other = short.model_copy(update={"learning_rate": 0.001})
    numbers = finetune(other, base_model, training_set, tmp_path / "two", tmp_path / "scratch", quiet)
    assert numbers["resumed_from"] == 0
    repeated = finetune(other, base_model, training_set, tmp_path / "three", tmp_path / "scratch", quiet)
    assert repeated["resumed_from"] == 2
    assert digests(tmp_path / "two") == digests(tmp_path / "three")


def test_an_unreadable_checkpoint_counts_as_none(tmp_path: Path):
    assert load_checkpoint(tmp_path, "identity") is None
    (tmp_path / FILE).write_bytes(b"half a file")
    assert load_checkpoint(tmp_path, "identity") is None


def test_the_maker_trains_in_a_process_of_its_own(base_model: Path, training_set: Path, tmp_path: Path):
    told: list[str] = []
    workspace = Workspace(
        out=tmp_path / "out",
        inputs={"base_model": base_model, "training_set": training_set},
        previous=None,
        cache=tmp_path,
        scratch=tmp_path / "scratch",
        progress=lambda what, done, total: told.append(what),
    )
    produced = ModelMaker(CONFIG.model_copy(update={"steps": 2}))(workspace)
    assert produced.metrics["steps"] == 2
    assert produced.pictures["loss"].read_bytes().startswith(b"\x89PNG")
    assert [row["step"] for row in produced.tables["losses"]] == [0, 2]
    assert any(what.startswith("training, loss") for what in told)


def test_examples_that_do_not_fit_are_an_error(base_model: Path, training_set: Path, tmp_path: Path):
    config = CONFIG.model_copy(update={"max_tokens": 16})
    with pytest.raises(ValueError, match="max_tokens: none of"):
        finetune(config, base_model, training_set, tmp_path / "out", tmp_path / "scratch", quiet)


def test_a_failed_training_tells_why(training_set: Path, tmp_path: Path):
    workspace = Workspace(
        out=tmp_path / "out",
        inputs={"base_model": tmp_path, "training_set": training_set},
        previous=None,
        cache=tmp_path,
        scratch=tmp_path / "scratch",
    )
    with pytest.raises(WorkerFailed, match=r"lacks tokenizer\.json"):
        ModelMaker(CONFIG)(workspace)


def test_a_runner_takes_the_place_of_the_process(tmp_path: Path):
    workspace = Workspace(
        out=tmp_path / "out",
        inputs={"base_model": tmp_path / "b", "training_set": tmp_path / "t"},
        previous=None,
        cache=tmp_path,
        scratch=tmp_path / "scratch",
    )
    asked: list[dict] = []
    with pytest.raises(WorkerFailed, match="without leaving a result"):
        ModelMaker(CONFIG).with_runner(lambda request: asked.append(dict(request)))(workspace)
    assert FineTuning.model_validate(asked[0]["config"]) == CONFIG
    assert asked[0]["out"] == str(tmp_path / "out")


def test_bad_configuration_names_the_field():
    with pytest.raises(ValidationError, match="learning_rate"):
        FineTuning(learning_rate=0)
    with pytest.raises(ValidationError, match="lerning_rate"):
        FineTuning.model_validate({"lerning_rate": 0.1})
