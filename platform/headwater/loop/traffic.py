"""What users ask: the titles of examples that no build has seen, in sessions of a few questions each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from headwater.curate.extract.awscli_examples import awscli_examples
from headwater.curate.extract.base import Document, RawFile, Refuse
from headwater.curate.media import RST
from headwater.loop.scenario import EXAMPLES, PRODUCT, example_files, is_asked
from headwater.sources import Reading

RECALL_AT = 10
_CLIENTS = 2
_SESSION_QUESTIONS = 3


@dataclass(frozen=True)
class Question:
    """A question with what answers it: the documentation of an operation."""

    text: str
    service: str
    operation: str


@dataclass(frozen=True)
class Asked:
    """What a round of questions brought: `found` had their operation among the first ten passages."""

    questions: int
    found: int
    answerable: int
    releases: tuple[str, ...]

    @property
    def recall(self) -> float:
        """recall@10."""
        return self.found / self.questions


def questions_about(services: Sequence[str]) -> list[Question]:
    """The held-back questions about these services, each once, in a fixed order."""
    found: dict[tuple[str, str], Question] = {}
    for service in services:
        for path in example_files(service):
            if is_asked(path):
                for document in _documents(service, path):
                    attributes = document.attributes
                    key = (service, attributes["question"])
                    found.setdefault(key, Question(attributes["question"], service, attributes["operation"]))
    return [found[key] for key in sorted(found)]


def sessions(questions: Sequence[Question], rows: int, seed: int) -> list[list[Question]]:
    """`rows` questions in sessions of three about one service, drawn as often as it has questions."""
    draw = np.random.default_rng(seed)
    made: list[list[Question]] = []
    while rows > 0:
        service = questions[int(draw.integers(len(questions)))].service
        own = [question for question in questions if question.service == service]
        picked = draw.choice(len(own), size=min(_SESSION_QUESTIONS, len(own), rows), replace=False)
        made.append([own[int(place)] for place in picked])
        rows -= len(picked)
    return made


def ask(address: str, asked: Sequence[Sequence[Question]], name: str) -> Asked:
    """Search for each question, sessions side by side. Raises `httpx.HTTPError` when one fails."""
    with httpx.Client(base_url=address, timeout=60) as client, ThreadPoolExecutor(_CLIENTS) as pool:
        answers = pool.map(
            lambda item: list(_session(client, f"{name}-{item[0]}", item[1])), enumerate(asked)
        )
        rows = [row for session in answers for row in session]
    return Asked(
        questions=len(rows),
        found=sum(hit for hit, _, _ in rows),
        answerable=sum(bool(answerable) for _, answerable, _ in rows),
        releases=tuple(sorted({release for _, _, release in rows})),
    )


def chat(address: str, question: str, session: str) -> dict[str, Any]:
    """A whole answer with its citations."""
    body = {"model": PRODUCT, "messages": [{"role": "user", "content": question}], "max_tokens": 48}
    with httpx.Client(base_url=address, timeout=120) as client:
        answer = client.post("/v1/chat/completions", json=body, headers={"x-session-id": session})
    answer.raise_for_status()
    return answer.json()


def served(address: str) -> str:
    """The release that the service answers from."""
    return str(httpx.get(f"{address}/health/ready", timeout=10).json().get("release", ""))


def _session(client: httpx.Client, name: str, asked: Sequence[Question]) -> Iterator[tuple[bool, bool, str]]:
    for question in asked:
        body = {"query": question.text, "k": RECALL_AT}
        answer = client.post("/v1/search", json=body, headers={"x-session-id": name})
        answer.raise_for_status()
        told = answer.json()
        wanted = f"{question.service} {question.operation}"
        yield any(item["title"] == wanted for item in told["data"]), told["answerable"], told["release"]


def _documents(service: str, path: Path) -> list[Document]:
    file = RawFile(
        f"{EXAMPLES}/{service}/{path.name}", EXAMPLES, RST, path, path.stat().st_size + 1, Reading()
    )
    try:
        return [item for item in awscli_examples(file) if isinstance(item, Document)]
    except Refuse:
        return []
