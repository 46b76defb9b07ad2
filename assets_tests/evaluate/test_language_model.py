from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from headwater.evaluate.answers import chrf_scores, command_of, leading_words_match
from headwater.evaluate.group_bootstrap import GroupBootstrap
from headwater.evaluate.judge import run_request
from headwater.evaluate.language_model import LanguageModelEvaluation, evaluate_language_model
from headwater.fingerprint import digest_text
from headwater.schemas import TRAINING_SET
from headwater.tables import write_rows
from headwater.train.base_model import BaseModelMaker
from headwater.train.config import FineTuning
from headwater.train.finetune import finetune
from headwater.train.prompt import chat
from headwater.workspace import Workspace

CONFIG = LanguageModelEvaluation(
    max_loss_examples=6, max_generated=4, max_new_tokens=6, threads=1, resamples=200, samples=2
)


def ignore(what: str, done: int, total: int) -> None:
    pass


def here(requests, scratch: Path, progress) -> None:
    """Judge in this process, which has the libraries loaded."""
    for request in requests:
        run_request(request, progress)


@pytest.fixture(scope="module")
def base_model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers of the real model; the conversion is kept between test runs."""
    out = tmp_path_factory.mktemp("base_model")
    cache = Path(request.config.cache.mkdir("base_models"))
    BaseModelMaker(layers=2)(
        Workspace(out=out, inputs={}, previous=None, cache=cache, scratch=out, progress=ignore)
    )
    return out


def write_examples(
    folder: Path, *, origin: str = "labelled", splits: tuple[str, ...] = ("train", "test")
) -> Path:
    rows: list[dict[str, Any]] = []
    for split in splits:
        for number in range(8):
            group = f"{split}{number % 3}"
            prompt, completion = (
                f"Question: To list item {number}",
                f"aws {group} list-items --number {number}",
            )
            rows.append(
                {
                    "example_id": digest_text(f"{split}{number}"),
                    "uri": f"examples/{group}/{number}",
                    "raw_digest": digest_text("raw"),
                    "group": group,
                    "split": split,
                    "prompt": prompt,
                    "completion": completion,
                    "messages": json.dumps(chat(prompt, completion)),
                    "context_uris": [],
                    "origin": origin,
                }
            )
    write_rows(folder, rows, TRAINING_SET.arrow, key=TRAINING_SET.key)
    return folder


@pytest.fixture(scope="module")
def training_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_examples(tmp_path_factory.mktemp("training_set"))


@pytest.fixture(scope="module")
def model(base_model: Path, training_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("model")
    config = FineTuning(rank=4, learning_rate=0.01, steps=10, batch_size=2, warmup=1, threads=1)
    finetune(config, base_model, training_set, home / "out", home / "scratch", ignore)
    return home / "out"


def test_the_report_compares_before_and_after_on_groups_never_trained_on(
    base_model: Path, model: Path, training_set: Path, tmp_path: Path
):
    report = evaluate_language_model(base_model, model, training_set, CONFIG, tmp_path, ignore)
    assert (report.examples, report.generated, report.resampled_by) == (6, 4, "group")
    assert all(group.startswith("test") for group in report.groups)
    assert report.loss_before is not None
    assert report.loss_after is not None
    assert report.loss_change is not None
    assert report.perplexity_before is not None
    assert report.loss_after.value < report.loss_before.value
    assert report.loss_change.value == pytest.approx(report.loss_after.value - report.loss_before.value)
    assert report.loss_change.low <= report.loss_change.value <= report.loss_change.high
    assert report.perplexity_before.value == pytest.approx(math.exp(report.loss_before.value))
    assert report.exact_match_after is not None
    assert 0 <= report.exact_match_after.value <= 1
    assert report.chrf_change is not None
    assert len(report.samples) == 2
    assert report.samples[0].expected.startswith("aws test")
    assert report.metrics()["loss_after"] == report.loss_after.value
    assert report.notes == ()


def test_a_second_evaluation_remembers_and_says_the_same(
    base_model: Path, model: Path, training_set: Path, tmp_path: Path
):
    first = evaluate_language_model(
        base_model, model, training_set, CONFIG, tmp_path / "one", ignore, cache=tmp_path / "cache", run=here
    )
    told: list[str] = []
    second = evaluate_language_model(
        base_model,
        model,
        training_set,
        CONFIG,
        tmp_path / "two",
        lambda what, done, total: told.append(what),
        cache=tmp_path / "cache",
        run=here,
    )
    assert second == first
    assert told
    assert all("after" in what for what in told)


def test_passages_have_no_exact_match_and_the_report_says_so(base_model: Path, model: Path, tmp_path: Path):
    passages = write_examples(tmp_path / "set", origin="passage")
    report = evaluate_language_model(base_model, model, passages, CONFIG, tmp_path, ignore, run=here)
    assert report.exact_match_before is None
    assert report.chrf_after is not None
    assert any(note.startswith("exact match: not applicable") for note in report.notes)
    assert "exact_match_after" not in report.metrics()


def test_an_empty_test_split_gives_a_report_without_figures(tmp_path: Path):
    folder = write_examples(tmp_path / "set", splits=("train",))
    report = evaluate_language_model(tmp_path, tmp_path, folder, CONFIG, tmp_path, ignore)
    assert report.loss_after is None
    assert report.notes == ("the test split holds no example",)
    assert report.metrics() == {"examples": 0.0, "generated": 0.0}


@pytest.mark.parametrize(
    ("answer", "command"),
    [
        ("aws s3 ls", "aws s3 ls"),
        ("Use this:\n\n```bash\n$ aws s3 ls --x\n```\nIt lists.", "aws s3 ls --x"),
        ("`aws s3 ls`", "aws s3 ls"),
        ("aws s3 cp a b\n  --quiet\n\nThis copies.", "aws s3 cp a b\n--quiet"),
        ("I do not know.", "I do not know."),
    ],
)
def test_the_command_is_found_in_talk(answer: str, command: str):
    assert command_of(answer, "aws") == command


def test_exact_match_looks_at_the_leading_words_only():
    assert leading_words_match("aws s3 ls --recursive", "aws s3 ls s3://bucket", 3)
    assert not leading_words_match("aws s3 cp", "aws s3 ls", 3)
    assert not leading_words_match("aws s3", "aws s3 ls", 3)
    assert leading_words_match("yes indeed", "yes", 3)
    assert not leading_words_match("", "aws s3 ls", 3)


def test_chrf_is_100_for_the_same_text():
    each, corpus = chrf_scores(["aws s3 ls", "nothing"], ["aws s3 ls", "aws s3 ls"])
    assert each[0] == pytest.approx(100)
    assert each[1] < 20
    assert each[1] < corpus < 100


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 9), st.floats(0, 9)), min_size=1, max_size=30),
)
def test_intervals_hold_the_figure_of_equal_examples_and_the_change_is_paired(
    rows: list[tuple[str, float, float]],
):
    groups = [group for group, _, _ in rows]
    interval = GroupBootstrap(groups, resamples=200, confidence=0.95, seed=1)
    before, after, change = interval.compare(
        [one for _, one, _ in rows], [two for _, _, two in rows], [1.0] * len(rows)
    )
    assert before.low <= before.high
    assert change.value == pytest.approx(after.value - before.value)
    same = interval.compare([3.0] * len(rows), [2.0] * len(rows), [1.0] * len(rows))
    assert (same[0].low, same[0].high) == pytest.approx((3.0, 3.0))
    assert (same[2].low, same[2].high) == pytest.approx((-1.0, -1.0))


def test_one_group_is_resampled_by_example():
    assert GroupBootstrap(["a", "a"], resamples=100, confidence=0.9, seed=0).unit == "example"


def test_bad_configuration_names_the_field():
    with pytest.raises(ValidationError, match="confidence"):
        LanguageModelEvaluation(confidence=1.5)
    with pytest.raises(ValidationError, match="max_generatd"):
        LanguageModelEvaluation.model_validate({"max_generatd": 3})
