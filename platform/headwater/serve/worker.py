"""One thread that does one thing after another, for many clients that wait in an event loop.

Two cores make no answer faster by sharing them among answers: the first that came is finished first, which
makes the mean wait shortest, and what does not fit in the queue is refused at once.
"""

from __future__ import annotations

import asyncio
import math
import queue
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

MEMORY = 0.8
"""Share of the past in the running mean of a job's seconds: about the last five jobs count."""


class Busy(Exception):
    """The queue is full. `retry_after` is in whole seconds: how long what waits will take, as measured."""

    def __init__(self, name: str, retry_after: int) -> None:
        super().__init__(f"too many requests wait for {name}")
        self.retry_after = retry_after


class Stream(Generic[T], AsyncIterator[T]):
    """What a job yields, as it comes. Raises what the job raised; `cancel` ends the job at its next item."""

    def __init__(self, work: Callable[[], Iterable[T]]) -> None:
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._items: asyncio.Queue[tuple[T] | Exception | None] = asyncio.Queue()
        self._cancelled = threading.Event()

    def __aiter__(self) -> Stream[T]:
        return self

    async def __anext__(self) -> T:
        item = await self._items.get()
        if item is None:
            raise StopAsyncIteration
        if isinstance(item, Exception):
            raise item
        return item[0]

    def cancel(self) -> None:
        """Nobody waits for the rest."""
        self._cancelled.set()

    def run(self, closed: threading.Event) -> None:
        """Do the job in the calling thread, until it ends, is cancelled, or the worker is closed."""
        if self._cancelled.is_set():
            return
        try:
            for item in self._work():
                self._give((item,))
                if self._cancelled.is_set() or closed.is_set():
                    break
            self._give(None)
        except Exception as error:  # noqa: BLE001 - handed to the one who waits for the job
            self._give(error)

    def _give(self, item: tuple[T] | Exception | None) -> None:
        self._loop.call_soon_threadsafe(self._items.put_nowait, item)


class Worker:
    """A thread with a bounded queue. `prepare` runs in the thread before the first job."""

    def __init__(self, name: str, capacity: int, prepare: Callable[[], None] | None = None) -> None:
        self._name = name
        self._prepare = prepare
        self._jobs: queue.Queue[Stream[object] | None] = queue.Queue(maxsize=capacity)
        self._closed = threading.Event()
        self._seconds = 0.0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Jobs in the queue, without the one in hand."""
        return self._jobs.qsize()

    def stream(self, work: Callable[[], Iterable[T]]) -> Stream[T]:
        """Queue a job; call it in the event loop. Raises `Busy`."""
        job = Stream(work)
        try:
            self._jobs.put_nowait(job)  # pyright: ignore[reportArgumentType]  # the queue only runs it
        except queue.Full:
            raise Busy(self._name, max(1, math.ceil(self.waiting * self._seconds))) from None
        return job

    async def call(self, work: Callable[[], T]) -> T:
        """The result of one piece of work. Raises `Busy`, and what the work raises."""

        def once() -> Iterator[T]:
            yield work()

        job = self.stream(once)
        try:
            return await anext(job)
        finally:
            job.cancel()

    def close(self) -> None:
        """End the job in hand at its next item, run no other, and wait for the thread."""
        self._closed.set()
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        if self._prepare is not None:
            self._prepare()
        while (job := self._jobs.get()) is not None:
            begin = time.monotonic()
            job.run(self._closed)
            self._seconds = MEMORY * self._seconds + (1 - MEMORY) * (time.monotonic() - begin)
