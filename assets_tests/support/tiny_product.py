"""A product small enough for tests and real in every part: real embedder, real (cut) language model.

`python tiny_product.py FOLDER` builds it as a process of its own, for tests that kill it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import dagster as dg

from headwater.building import BuildResult, build
from headwater.components import Corpus, EmbeddingIndex, Evaluation, LanguageModel
from headwater.components.resource import Headwater

PRODUCT = "tiny"

SERVICES = ("archive", "bucket", "cluster", "domain", "event", "fleet", "gateway", "host", "image", "journal")
VERBS = {
    "create": ("Create a new {0}", "Creates a {0} with the given name and returns its identifier"),
    "delete": ("Delete a {0}", "Removes the {0} for ever, together with everything that is attached to it"),
    "list": ("List every {0}", "Returns one page of descriptions of the {0} resources in this account"),
    "tag": ("Label a {0}", "Adds or overwrites the labels that are kept beside the {0}"),
}


def write_sources(folder: Path, services: tuple[str, ...] = SERVICES) -> None:
    """Documents as Markdown, one per operation, and labelled questions as JSON lines."""
    docs, questions = folder / "docs", folder / "questions"
    docs.mkdir(parents=True, exist_ok=True)
    questions.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    for service in services:
        for verb, (title, text) in VERBS.items():
            write_document(docs, service, verb, text.format(service))
            lines.append(
                json.dumps(
                    {
                        "text": f"{title.format(service)} from the command line.",
                        "title": title.format(service),
                        "id": f"{service}/{verb}",
                        "question": f"{title.format(service)}?",
                        "command": f"acme {service} {verb}-{service} --name example",
                        "service": service,
                        "operation": f"{verb}-{service}",
                    }
                )
            )
    (questions / "questions.jsonl").write_text("\n".join(lines) + "\n")


def write_document(docs: Path, service: str, verb: str, text: str) -> None:
    """One operation's documentation, as a JSON lines file with attributes."""
    document = {
        "title": f"{service} {verb}-{service}",
        "text": f"{service} {verb}-{service}\n\n{text}. Callers need the permission to {verb} a {service}.",
        "service": service,
        "operation": f"{verb}-{service}",
    }
    (docs / f"{service}-{verb}.jsonl").write_text(json.dumps(document) + "\n")


def components(sources: Path, **overrides: Any) -> list[Any]:
    """The four components; `overrides` replaces attributes by component: corpus, index, model, evaluation."""
    corpus: dict[str, Any] = {
        "sources": [
            {"name": "docs", "kind": "folder", "path": str(sources / "docs"), "reader": "jsonl"},
            {"name": "questions", "kind": "folder", "path": str(sources / "questions"), "reader": "jsonl"},
        ],
        "silver": {
            "steps": ["normalize", "language", {"step": "quality", "min_words": 1}, "pii"],
            "dedup": {"distinct_by": ["operation"]},
        },
        "chunks": {"sources": ["docs"]},
    }
    labels = {"sources": ["questions"], "relevant_by": ["service", "operation"], "group_by": "service"}
    model: dict[str, Any] = {
        "base_model": {"layers": 2},
        "training_set": {
            **labels,
            "context_sources": ["docs"],
            "shares": {"train": 0.5, "validation": 0.2, "test": 0.3},
        },
        "fine_tuning": {
            "steps": 4,
            "checkpoint_every": 1,
            "evaluate_every": 2,
            "threads": 1,
            "validation_examples": 2,
        },
    }
    evaluation: dict[str, Any] = {
        "questions": labels,
        "evaluation": {"language_model": {"max_loss_examples": 4, "max_generated": 2}},
    }
    parts = {"corpus": (Corpus, corpus), "index": (EmbeddingIndex, {"embeddings": {"workers": 1}}),
             "model": (LanguageModel, model), "evaluation": (Evaluation, evaluation)}  # fmt: skip
    return [
        kind(PRODUCT, kind.attributes_model.model_validate({**attributes, **overrides.get(name, {})}))
        for name, (kind, attributes) in parts.items()
    ]


def definitions(sources: Path, **overrides: Any) -> dg.Definitions:
    """What `headwater.definitions` would load for this product."""
    return dg.Definitions.merge(
        *(component.definitions() for component in components(sources, **overrides)),
        dg.Definitions(resources={"headwater": Headwater()}, executor=dg.in_process_executor),
    )


def build_tiny(folder: Path, *, sources: Path | None = None, overrides: dict[str, Any] | None = None,
               **options: Any) -> BuildResult:  # fmt: skip
    """Build the product with its home at `folder/home`, from `folder/sources` unless told otherwise."""
    loaded = definitions(sources or folder / "sources", **(overrides or {}))
    options.setdefault("instance", dg.DagsterInstance.ephemeral())
    return build(PRODUCT, definitions=loaded, home=str(folder / "home"), **options)


if __name__ == "__main__":
    outcome = build_tiny(Path(sys.argv[1]))
    print(json.dumps({name: item.outcome for name, item in outcome.assets.items()}), outcome.reason)
    sys.exit(0 if outcome.succeeded else 1)
