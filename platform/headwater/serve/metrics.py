"""What Prometheus reads. Names begin with `headwater_`; `version` is the name of a release."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from headwater.serve.production import Serving

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
COSINES = tuple(step / 20 for step in range(2, 20))


class Metrics:
    """The metrics of one service, in a registry of their own. `dropped` counts records that the log lost."""

    def __init__(self, *, dropped: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        shared: Any = {"registry": self.registry, "namespace": "headwater"}
        self.requests = Counter("requests", "Answered requests", ["route", "code", "version"], **shared)
        self.seconds = Histogram(
            "request_seconds", "From the first byte to the last", ["route"], buckets=SECONDS, **shared
        )
        self.first_token = Histogram(
            "time_to_first_token_seconds", "Until the first token of an answer", buckets=SECONDS, **shared
        )
        self.tokens = Counter("tokens", "Tokens read and made", ["kind"], **shared)
        self.inflight = Gauge("inflight", "Requests that are being answered", **shared)
        self.queue_depth = Gauge("queue_depth", "Requests that wait", ["queue"], **shared)
        self.rejected = Counter("rejected", "Requests that were turned away", ["reason"], **shared)
        self.similarity = Histogram(
            "retrieval_top1_similarity", "Cosine of the nearest passage", buckets=COSINES, **shared
        )
        self.no_answer = Counter("no_answer", "Questions that the release does not cover", **shared)
        self.feedback = Counter("feedback", "Judgements of responses", ["value", "version"], **shared)
        self.reload_failures = Counter("reload_failures", "Releases that could not be loaded", **shared)
        self.trials = Counter("canary_verdicts", "Ends of trials of new releases", ["outcome"], **shared)
        self._model = Gauge("model_info", "The releases that answer", ["version", "commit"], **shared)
        self._share = Gauge("canary_share", "Share of the visitors on trial", ["version"], **shared)
        self._judged = Gauge("canary_requests", "Requests that a trial is judged by", ["version"], **shared)
        self.registry.register(_Dropped(dropped))

    def serving(self, serving: Serving) -> None:
        """From now on these releases answer."""
        for gauge in (self._model, self._share, self._judged):
            gauge.clear()
        for released in serving.loaded():
            self._model.labels(released.release, released.commit).set(1)
        canary = serving.canary
        if canary is not None:
            self._share.labels(canary.released.release).set(canary.settings.share)
            for version in canary.counts():
                self._judged.labels(version).set_function(lambda name=version: canary.counts()[name])

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)


class _Dropped(Collector):
    def __init__(self, count: Callable[[], int]) -> None:
        self._count = count

    def collect(self) -> Iterator[CounterMetricFamily]:
        yield CounterMetricFamily(
            "headwater_log_dropped", "Records that the inference log lost", value=self._count()
        )
