"""The loop's stage: a folder with sources, and the shipped product `aws_assistant` reading from it."""

from __future__ import annotations

import gzip
import importlib.util
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from headwater.fingerprint import digest_text

PRODUCT = "aws_assistant"
KNOWN = (
    "acm",
    "autoscaling",
    "cloudwatch",
    "ecr",
    "ecs",
    "iam",
    "kms",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
)
MISSING = ("dynamodb", "eks", "lambda")
"""Services whose documentation is not there at first."""
OPERATIONS, EXAMPLES = "operations", "examples"
ASKED_SHARE = 0.4
"""Share of the example files that no build ever sees: the questions of the traffic come from these."""
WINDOW_ROWS = 150
SECONDS_BETWEEN_TICKS = 5
FOLDER = "HEADWATER_LOOP"
"""The variable that tells processes where the loop's folder is."""
MARKER = ".headwater-loop"
"""The file by which a folder is known to be a loop's, and so may be cleared."""


@dataclass(frozen=True)
class Stage:
    """Everything the loop writes stands in `folder`."""

    folder: Path

    @property
    def home(self) -> Path:
        """HEADWATER_HOME."""
        return self.folder / "home"

    @property
    def dagster_home(self) -> Path:
        """DAGSTER_HOME."""
        return self.folder / "dagster"

    @property
    def sources(self) -> Path:
        """What the product reads."""
        return self.folder / "sources"

    @property
    def lake(self) -> Path:
        """The lake of this stage alone, whatever lake its user works with."""
        return self.home / "lake"

    def clear(self) -> None:
        """Begin anew, but keep the cache: converted models need not be made twice.

        Raises `ValueError` for a folder that holds something else than a stage, which nobody wants deleted.
        """
        marker = self.folder / MARKER
        if not marker.exists() and self.folder.exists() and any(self.folder.iterdir()):
            raise ValueError(
                f"--folder: {self.folder} holds something that is no loop's; name a new or an empty folder"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        marker.touch()
        for path in (self.sources, self.dagster_home, self.lake, self.home / "inference"):
            shutil.rmtree(path, ignore_errors=True)
        self.dagster_home.mkdir(parents=True)
        (self.dagster_home / "dagster.yaml").write_text(INSTANCE, encoding="utf-8")

    def publish_documentation(self, services: Sequence[str]) -> None:
        """Put the operations and examples of these services where the product reads them.

        Raises `ModuleNotFoundError` when the packages that hold them are missing.
        """
        for service in services:
            model = newest_model(service)
            target = self.sources / OPERATIONS / service / model.parent.name / model.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(model, target)
            for example in example_files(service):
                if not is_asked(example):
                    kept = self.sources / EXAMPLES / service / example.name
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(example, kept)

    def damage_documentation(self) -> int:
        """What a slipped column does: every operation gets the text of the next one. Returns how many did."""
        damaged = 0
        for path in sorted((self.sources / OPERATIONS).rglob("service-2.json*")):
            model = read_model(path)
            operations: dict[str, Any] = model["operations"]
            names = sorted(operations)
            texts = [operations[name].get("documentation", "") for name in names]
            for place, name in enumerate(names):
                operations[name]["documentation"] = texts[(place + len(names) // 2) % len(names)]
            damaged += len(names)
            write_model(path, model)
        return damaged


INSTANCE = """\
telemetry:
  enabled: false
nux:
  enabled: false
run_queue:
  max_concurrent_runs: 1
"""


def components(stage: Stage) -> list[tuple[str, Mapping[str, Any]]]:
    """Name and attributes of the shipped product's components, changed where the loop must be quick.

    The sources are folders instead of installed packages, because documentation comes in on the way; the
    model is trained for fewer steps and judged on fewer answers, because what the loop shows is the index.
    """
    shipped = Path(__file__).parent.parent / "defs" / PRODUCT / "defs.yaml"
    found: list[tuple[str, Mapping[str, Any]]] = []
    for document in yaml.safe_load_all(shipped.read_text(encoding="utf-8")):
        name = str(document["type"]).rpartition(".")[2]
        attributes = {**(document.get("attributes") or {}), **_QUICK.get(name, {})}
        if name == "Corpus":
            attributes["sources"] = [_folder(stage, source) for source in attributes["sources"]]
        found.append((name, attributes))
    return found


_QUICK: Mapping[str, Mapping[str, Any]] = {
    "LanguageModel": {"fine_tuning": {"steps": 16, "checkpoint_every": 8, "evaluate_every": 16}},
    "Evaluation": {"evaluation": {"language_model": {"max_loss_examples": 8, "max_generated": 4}}},
    "Monitoring": {
        "windows": {"window_rows": WINDOW_ROWS},
        "look_every_seconds": SECONDS_BETWEEN_TICKS,
        "refresh": {"cooldown_hours": 0, "least_new_rows": WINDOW_ROWS},
    },
}


def _folder(stage: Stage, source: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "name": source["name"],
        "kind": "folder",
        "path": str(stage.sources / source["name"]),
        "include": source["include"],
        "reader": source["reader"],
    }


def newest_model(service: str) -> Path:
    """The service model of the newest version that is installed."""
    versions = sorted(path for path in (_package("botocore", "data") / service).iterdir() if path.is_dir())
    return next(iter(sorted(versions[-1].glob("service-2.json*"))))


def example_files(service: str) -> list[Path]:
    """The installed examples of a service, by name."""
    return sorted((_package("awscli", "examples") / service).glob("*.rst"))


def is_asked(example: Path) -> bool:
    """Whether the traffic asks this example's questions, and so no build may see them."""
    drawn = int(digest_text(f"{example.parent.name}/{example.name}")[:8], 16)
    return drawn < ASKED_SHARE * 2**32


def read_model(path: Path) -> dict[str, Any]:
    """A service model, packed or not."""
    data = path.read_bytes()
    return json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)


def write_model(path: Path, model: Mapping[str, Any]) -> None:
    """Replace a service model."""
    data = json.dumps(model).encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def _package(name: str, folder: str) -> Path:
    spec = importlib.util.find_spec(name)
    places = spec.submodule_search_locations if spec is not None else None
    if not places:
        raise ModuleNotFoundError(f"the loop reads documentation from the package {name}: pip install {name}")
    return Path(places[0]) / folder
