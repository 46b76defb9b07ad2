"""The service behind the endpoints: the current release, one thread that finds and one that writes."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from headwater.index.encoder import Vectors
from headwater.serve.decoding import Piece, Sampling, pieces
from headwater.serve.limits import Limits
from headwater.serve.metrics import Metrics
from headwater.serve.production import Production
from headwater.serve.prompting import Message, conversation_tokens, plain_tokens
from headwater.serve.released import Released, Retrieval
from headwater.serve.request_log import RequestLog
from headwater.serve.worker import Stream, Worker

T = TypeVar("T")

REMEMBERED = 10_000
"""Responses whose release is kept for the metric of feedback; a megabyte and a half."""


@dataclass(frozen=True)
class Prepared:
    """A prompt as tokens, and what was found for it."""

    ids: tuple[int, ...]
    retrieval: Retrieval


class Service:
    """One product's answers. Made once per process; its methods are called in the event loop."""

    def __init__(
        self,
        production: Production,
        metrics: Metrics,
        limits: Limits,
        request_log: RequestLog | None = None,
        *,
        threads: int = 1,
    ) -> None:
        self.production = production
        self.metrics = metrics
        self.limits = limits
        self.log = request_log
        self.draining = False
        self.answered: OrderedDict[str, str] = OrderedDict()
        """Ids of the last responses and the releases that they came from, oldest first."""
        self._finder = Worker("search", limits.waiting, _threads(1))
        self._writer = Worker("the model", limits.waiting, _threads(threads))
        metrics.queue_depth.labels("search").set_function(lambda: self._finder.waiting)
        metrics.queue_depth.labels("model").set_function(lambda: self._writer.waiting)

    @property
    def version(self) -> str:
        """Name of the release that answers now; empty before there is one."""
        current = self.production.current
        return current.release if current is not None else ""

    async def prepare(self, released: Released, messages: Sequence[Message]) -> Prepared:
        """Find passages for the last message, and put the conversation into tokens. Raises `Busy`."""

        def work() -> Prepared:
            found = released.retrieve(messages[-1].text)
            ids = conversation_tokens(released.model.tokenizer, messages, found.prompt)
            return Prepared(tuple(ids), found)

        return await self._finder.call(work)

    async def encode(self, released: Released, prompt: str) -> tuple[int, ...]:
        """A bare prompt in tokens. Raises `Busy`."""
        return await self._finder.call(lambda: tuple(plain_tokens(released.model.tokenizer, prompt)))

    async def embed(self, released: Released, texts: Sequence[str]) -> tuple[Vectors, int]:
        """float32 [len(texts), dimensions], and the tokens of all texts. Raises `Busy`."""

        def work() -> tuple[Vectors, int]:
            embedder = released.index.embedder
            ids = embedder.tokenize(texts)
            return embedder.embed_ids(ids), sum(map(len, ids))

        return await self._finder.call(work)

    async def find(self, work: Callable[[], T]) -> T:
        """Any other work of the thread that finds. Raises `Busy`."""
        return await self._finder.call(work)

    def write(self, released: Released, prompt: Sequence[int], sampling: Sampling) -> Stream[Piece]:
        """Continue a prompt, in the queue behind those that came before. Raises `Busy`.

        What is not done `answer_seconds` from now ends there as too long.
        """
        deadline = time.monotonic() + self.limits.answer_seconds
        return self._writer.stream(lambda: _until(deadline, released, prompt, sampling))

    def say(self, piece: Piece) -> Stream[Piece]:
        """An answer that needs no model."""
        stream = Stream[Piece](lambda: [piece])
        stream.run(threading.Event())
        return stream

    def voted(self, response_id: str, vote: int) -> None:
        """Somebody judged a response."""
        self.production.voted(response_id, vote)

    def remember(self, response_id: str, release: str) -> None:
        """Keep what a response came from, for the feedback on it."""
        self.answered[response_id] = release
        while len(self.answered) > REMEMBERED:
            self.answered.popitem(last=False)

    def close(self) -> None:
        """Stop watching production, then both threads."""
        self.production.close()
        self._finder.close()
        self._writer.close()


def _until(deadline: float, released: Released, prompt: Sequence[int], sampling: Sampling) -> Iterator[Piece]:
    tokens = 0
    if time.monotonic() < deadline:
        for piece in pieces(released.model, prompt, sampling):
            yield piece
            tokens = piece.tokens
            if piece.finish is not None:
                return
            if time.monotonic() >= deadline:
                break
    yield Piece("", tokens, "length")


def _threads(count: int) -> Callable[[], None]:
    def prepare() -> None:
        import torch

        torch.set_num_threads(count)

    return prepare
