"""A small silver tier with labelled commands, and a two-layer cut of the real base model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from headwater.schemas import SILVER
from headwater.tables import write_rows
from headwater.train.base_model import BaseModelMaker
from headwater.train.training_set import TrainingSetMaker
from headwater.workspace import Produced, Workspace

VERBS = ("create", "delete", "describe", "list")
NOUNS = (
    "lake",
    "river",
    "spring",
    "stream",
    "pond",
    "well",
    "canal",
    "delta",
    "reef",
    "fjord",
    "marsh",
    "brook",
)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def document(source: str, path: str, title: str, text: str, attributes: Mapping[str, str], section: str = ""):
    uri = f"{source}/{path}"
    return {
        "document_id": digest(uri),
        "uri": uri,
        "source": source,
        "raw_digest": digest(path.split("#")[0]),
        "media_type": "text/plain",
        "title": title,
        "section": section,
        "start": None,
        "end": None,
        "text": text,
        "text_digest": digest(text),
        "attributes": json.dumps(dict(attributes), sort_keys=True),
        "language": "en",
        "language_score": 0.99,
        "words": len(text.split()),
        "redactions": "{}",
        "annotations": "{}",
        "duplicates": [],
    }


def operation(service: str, name: str) -> dict[str, Any]:
    verb, noun = name.split("-")
    return document(
        "operations",
        f"{service}/service.json#{name}",
        f"{service} {name}",
        f"{service} {name}\n\nUse it to {verb} the {noun} of {service}. Needs permission.",
        {"service": service, "operation": name},
    )


def example(service: str, name: str, question: str | None = None) -> dict[str, Any]:
    verb, noun = name.split("-")
    asked = question or f"To {verb} a {noun}"
    command = f"aws {service} {name} --{noun}-id {noun[0]}-123"
    return document(
        "examples",
        f"{service}/{name}.rst#0",
        asked,
        f"{asked}\n\n{command}",
        {"service": service, "operation": name, "question": asked, "command": command},
    )


def catalogue(services: Iterable[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for service in services:
        names = [f"{verb}-{noun}" for noun in NOUNS[:2] for verb in VERBS]
        rows += [operation(service, name) for name in names]
        rows += [example(service, name) for name in names]
    return rows


@pytest.fixture
def documents() -> Any:
    """The builders of silver rows: `document`, `operation`, `example`, `catalogue`."""
    import types

    return types.SimpleNamespace(
        document=document, operation=operation, example=example, catalogue=catalogue, services=SERVICES
    )


SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
SERVICES = tuple(f"service{number:02d}" for number in range(30))


@pytest.fixture
def make_training_set(tmp_path: Path) -> Callable[..., tuple[Produced, Path]]:
    """Make a training set from silver rows in a folder of its own."""
    count = 0

    def make(rows: Iterable[Mapping[str, Any]], **configuration: Any) -> tuple[Produced, Path]:
        nonlocal count
        count += 1
        home = tmp_path / f"made-{count}"
        silver, out = home / "silver", home / "out"
        out.mkdir(parents=True)
        write_rows(silver, sorted(rows, key=lambda row: row["uri"]), SILVER.arrow, key=SILVER.key)
        maker = TrainingSetMaker(**{"sources": ("examples",), "shares": SHARES, **configuration})
        workspace = Workspace(
            out=out, inputs={"silver": silver}, previous=None, cache=home, scratch=home, progress=ignore
        )
        return maker(workspace), out

    return make


@pytest.fixture(scope="session")
def model_cache(request: pytest.FixtureRequest) -> Path:
    """Where conversions of the base model are kept between test runs."""
    return Path(request.config.cache.mkdir("base_models"))


@pytest.fixture(scope="session")
def base_model(model_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers of the real model, with its real tokenizer."""
    out = tmp_path_factory.mktemp("base_model")
    BaseModelMaker(layers=2)(
        Workspace(out=out, inputs={}, previous=None, cache=model_cache, scratch=out, progress=ignore)
    )
    return out


def ignore(what: str, done: int, total: int) -> None:
    pass
