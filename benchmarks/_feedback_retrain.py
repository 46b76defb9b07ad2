"""The product of the attack built small, and from each log of votes a model, an evaluation and a verdict."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from _feedback_votes import Votes
from headwater.building import build
from headwater.components import Corpus, EmbeddingIndex, Evaluation, LanguageModel
from headwater.components.assets import build_assets
from headwater.components.feedback import feedback_asset
from headwater.components.inference import inference_asset
from headwater.components.resource import Headwater
from headwater.feedback.guards import Guards
from headwater.inference_log.maker import WindowSettings
from headwater.inference_log.places import Places
from headwater.lake import Lake, open_lake
from headwater.lake.records import data_version, read_record
from headwater.tables import read_json, read_rows

PRODUCT = "aws_assistant"
DEFINED = Path(__file__).parents[1] / "platform" / "headwater" / "defs" / PRODUCT / "defs.yaml"
SHOWN = ("language_model/loss_before", "language_model/loss_after", "hybrid/recall@10", "hybrid/ndcg@10")


@dataclass(frozen=True)
class Small:
    """How the product is cut down: fewer services and layers, few steps."""

    services: Sequence[str]
    layers: int
    steps: int


@dataclass(frozen=True)
class Outcome:
    """What became of a log. `poisoned` are labels that attackers had a part in; texts are data versions."""

    train: str
    examples: int
    labels: int
    poisoned: int
    model: str
    questions: str
    scores: Mapping[str, float]
    passed: bool
    conditions: Mapping[str, str]


@dataclass
class Retraining:
    """The product below `folder`: `main` without votes, and a branch for each log, begun at `main`."""

    folder: Path
    small: Small
    base_models: Path
    lake: Lake = field(init=False)

    def __post_init__(self) -> None:
        self.lake = open_lake(self.folder / "lake")

    def release(self) -> Outcome:
        """Build and release it without votes."""
        return self._built("main", set())

    def with_votes(self, name: str, votes: Votes) -> Outcome:
        """Take the votes in as a service's closed segment, and build on a branch of that name."""
        votes.write(Places.of(self.folder / name, PRODUCT).closed)
        return self._built(name, votes.poisoned)

    def _built(self, branch: str, poisoned: Collection[str]) -> Outcome:
        home = self.folder / branch
        (home / "cache").mkdir(parents=True)
        (home / "cache" / "base_model").symlink_to(self.base_models, target_is_directory=True)
        result = build(
            PRODUCT,
            branch=branch,
            definitions=_definitions(self.small),
            instance=dg.DagsterInstance.ephemeral(),
            home=str(home),
            lake=str(self.folder / "lake"),
        )
        if not result.succeeded:
            raise RuntimeError(f"{branch}: {result.reason}")
        return _outcome(self.lake, branch, poisoned)


def _outcome(lake: Lake, branch: str, poisoned: Collection[str]) -> Outcome:
    rows = [row for row in read_rows(_folder(lake, branch, "training_set")) if row["split"] == "train"]
    learned = {row["uri"].removeprefix("feedback/") for row in rows if row["uri"].startswith("feedback/")}
    labels = list(read_rows(_folder(lake, branch, "feedback"), ["label_id", "feedback_ids"]))
    tainted = {row["label_id"] for row in labels if set(poisoned) & set(row["feedback_ids"])}
    evaluation = read_record(lake, branch, PRODUCT, "evaluation")
    assert evaluation is not None
    decision = read_json(_folder(lake, branch, "release") / "decision.json")
    return Outcome(
        train=_version(lake, branch, "training_set"),
        examples=len(rows),
        labels=len(learned),
        poisoned=len(learned & tainted),
        model=_version(lake, branch, "model"),
        questions=_version(lake, branch, "questions"),
        scores={name: evaluation.metrics[name] for name in SHOWN},
        passed=decision["passed"],
        conditions={one["name"]: one["explanation"] for one in decision["conditions"]},
    )


def _version(lake: Lake, branch: str, asset: str) -> str:
    """Digest of every byte of an asset."""
    return str(data_version(lake, branch, f"{PRODUCT}/{asset}/"))


def _folder(lake: Lake, branch: str, asset: str) -> Path:
    return lake.fetch(branch, f"{PRODUCT}/{asset}/")


def _definitions(small: Small) -> dg.Definitions:
    """The product as it ships, cut down, with its log and labels and no sensors."""
    kinds = {kind.__name__: kind for kind in (Corpus, EmbeddingIndex, LanguageModel, Evaluation)}
    merged: list[dg.Definitions] = []
    for document in yaml.safe_load_all(DEFINED.read_text(encoding="utf-8")):
        kind = kinds.get(document["type"].rpartition(".")[2])
        if kind is not None:
            given = _cut(document.get("attributes") or {}, small)
            merged.append(kind(PRODUCT, kind.attributes_model.model_validate(given)).definitions())
    log = [inference_asset(PRODUCT, WindowSettings()), feedback_asset(PRODUCT, Guards())]
    return dg.Definitions.merge(
        *merged,
        dg.Definitions(
            assets=build_assets(log, owner="team:data"),
            resources={"headwater": Headwater()},
            executor=dg.in_process_executor,
        ),
    )


def _cut(attributes: Mapping[str, Any], small: Small) -> dict[str, Any]:
    cut = copy.deepcopy(dict(attributes))
    for source in cut.get("sources", ()):
        source["only"] = list(small.services)
    if "training_set" in cut:
        cut["base_model"] = {"layers": small.layers}
        cut["fine_tuning"] = {"steps": small.steps}
    if "gate" in cut:
        cut["evaluation"] = {"language_model": {"max_generated": 2}}
    return cut
