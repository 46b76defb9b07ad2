"""A product of which half the operations are labelled, its log, and people who judge what they were answered.

Everything is made by the real makers: questions, the inference log, the labels, the training set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from logged import entry, feedback, request, segment
from small_corpus import chunk, document, workspace, write_chunks, write_silver

from headwater.feedback.guards import Guards
from headwater.feedback.maker import FeedbackMaker
from headwater.index.questions import QuestionsMaker
from headwater.inference_log.maker import InferenceMaker, WindowSettings
from headwater.tables import read_rows
from headwater.train.from_feedback import FeedbackMix
from headwater.train.splits import Shares, split_of
from headwater.train.training_set import TrainingSetMaker
from headwater.workspace import Produced

SERVICES = (
    "archive", "bucket", "cluster", "domain", "event", "fleet", "gateway", "host", "image", "journal",
    "kernel", "ledger", "mirror", "network", "object", "pipeline", "queue", "registry", "stream", "table",
    "user", "volume", "widget", "zone",
)  # fmt: skip
LABELLED = {"create": "make a new {0}", "delete": "get rid of a {0}", "list": "see every {0}"}
OPEN = {
    "tag": "put labels on the {0}",
    "copy": "duplicate the {0}",
    "lock": "protect the {0} from changes",
}
LABELS = {"sources": ("examples",), "relevant_by": ("service", "operation"), "group_by": "service"}
SHARES = Shares(train=0.7, validation=0.15, test=0.15)


def command(service: str, operation: str) -> str:
    """The right answer."""
    return f"acme {service} {operation}-{service} --name example"


def asked(service: str, operation: str) -> str:
    """How people ask for an operation without a label."""
    return f"What is the way to {OPEN[operation].format(service)}?"


def known(service: str, operation: str) -> str:
    """A labelled question: the evaluation asks it."""
    return f"To {LABELLED[operation].format(service)}"


def split(service: str) -> str:
    return split_of(service, SHARES, 0)


TRAINED = tuple(service for service in SERVICES if split(service) == "train")
HELD_OUT = tuple(service for service in SERVICES if split(service) != "train")


def passage(service: str, operation: str) -> dict[str, Any]:
    title = f"acme {service} {operation}-{service}"
    attributes = {"service": service, "operation": operation}
    text = f"Use it to {operation} the {service} with a name. It needs the permission to do so."
    return chunk(f"docs/{service}/{operation}.md", title, text, attributes=attributes)


def silver() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for service in SERVICES:
        for operation in (*LABELLED, *OPEN):
            found = passage(service, operation)
            attributes = {"service": service, "operation": operation}
            text = f"{found['title']}\n\n{found['text']}"
            rows.append(document(found["uri"], "docs", found["title"], text, attributes))
            if operation in LABELLED:
                example = {**attributes, "question": known(service, operation)}
                example["command"] = command(service, operation)
                uri = f"examples/{service}/{operation}.rst#0"
                rows.append(document(uri, "examples", example["question"], example["command"], example))
    return sorted(rows, key=lambda row: row["uri"])


@dataclass
class Journal:
    """What the service logs, one event every ten seconds."""

    records: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0
    judged: int = 0

    @property
    def _minutes(self) -> float:
        return len(self.records) / 6

    def ask(self, user: str, question: str, service: str, answer: str, **changed: Any) -> int:
        """A question that found the passages of a service; returns its number."""
        found = [
            {"chunk_id": one["chunk_id"], "document_id": one["document_id"], "uri": one["uri"], "score": 0.5,
             "similarity": 0.6}
            for one in (passage(service, operation) for operation in (*OPEN, *LABELLED))
        ]  # fmt: skip
        given = {"user": user, "question": question, "answer": answer, "retrieved": found, **changed}
        self.records.append(request(self.asked, minutes=self._minutes, **given))
        self.asked += 1
        return self.asked - 1

    def judge(self, user: str, on: int, vote: int | None = None, correction: str = "", **changed: Any) -> str:
        """A judgement of the request with the number `on`; returns its id."""
        given = {"user": user, "vote": vote, "correction": correction, **changed}
        self.records.append(feedback(self.judged, on, minutes=self._minutes, **given))
        self.judged += 1
        return self.records[-1]["feedback_id"]

    def approve(self, user: str, question: str, service: str, answer: str) -> str:
        return self.judge(user, self.ask(user, question, service, answer), 1)

    def correct(self, user: str, question: str, service: str, correction: str) -> str:
        return self.judge(user, self.ask(user, question, service, "No idea."), -1, correction)


def quiet(journal: Journal, count: int = 300) -> Journal:
    """Requests that nobody judges."""
    for number in range(count):
        journal.ask(
            f"quiet{number % 40:02d}", f"Tell me about item {number}.", SERVICES[number % 24], "Well."
        )
    return journal


def honest(journal: Journal, services: Sequence[str] = TRAINED) -> Journal:
    """Of each service two people correct one operation, and two others approve of another's answer."""
    for number, service in enumerate(services):
        for person in (number % 12, (number + 1 + number // 12) % 12):
            journal.correct(f"user{person:02d}", asked(service, "tag"), service, command(service, "tag"))
        for person in (12 + number % 12, 12 + (number + 1 + number // 12) % 12):
            journal.approve(f"user{person:02d}", asked(service, "copy"), service, command(service, "copy"))
    return journal


@dataclass
class Product:
    """The product below a folder, and what its makers make of a journal."""

    folder: Path
    made: int = 0

    def __post_init__(self) -> None:
        write_silver(self.folder / "silver", silver())
        passages = [passage(service, operation) for service in SERVICES for operation in (*LABELLED, *OPEN)]
        write_chunks(self.folder / "chunks", sorted(passages, key=lambda row: row["uri"]))
        QuestionsMaker(**LABELS)(
            workspace(self.folder, "questions", silver=self.folder / "silver", chunks=self.folder / "chunks")
        )

    def inference(self, journal: Journal) -> Path:
        """All records in one window; what closes it waits for the next."""
        out = self._name("inference")
        closing = request(10**5, minutes=60 * 24 * 30)
        records = [*journal.records, closing] if journal.records else []
        segment(self.folder / f"{out}-closed", [entry(n, record) for n, record in enumerate(records)])
        maker = InferenceMaker(
            WindowSettings(window_rows=50_000, window_hours=400), self.folder / f"{out}-closed"
        )
        maker(workspace(self.folder, out))
        return self.folder / out

    def feedback(self, journal: Journal, **guards: Any) -> tuple[Produced, Path]:
        """The labels of a journal."""
        out = self._name("feedback")
        inputs = {name: self.folder / name for name in ("questions", "chunks")}
        made = FeedbackMaker(guards=Guards(**guards))(
            workspace(self.folder, out, inference=self.inference(journal), **inputs)
        )
        return made, self.folder / out

    def training_set(self, feedback: Path | None, **mix: Any) -> tuple[Produced, Path]:
        """The training set with these labels; without any, as a product that does not listen makes it."""
        out = self._name("training_set")
        inputs = {"silver": self.folder / "silver", **({"feedback": feedback} if feedback else {})}
        maker = TrainingSetMaker(**LABELS, shares=SHARES, feedback=FeedbackMix(**mix) if feedback else None)
        return maker(workspace(self.folder, out, **inputs)), self.folder / out

    def _name(self, what: str) -> str:
        self.made += 1
        return f"{what}{self.made}"


def labels(feedback: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Labels by question and answer."""
    return {(row["question"], row["answer"]): row for row in read_rows(feedback)}


def reasons(feedback: Path) -> dict[str, tuple[str, str]]:
    """Reason and detail of each refused judgement by its id."""
    rows = read_rows(feedback / "refused")
    return {row["feedback_id"]: (row["reason"], row["detail"]) for row in rows}
