"""Metrics for Prometheus. docs/reference/metrics.md is made of what is here.

Every worker process counts for itself, in files of one folder; the worker that answers /metrics adds them up.
prometheus_client chooses files or memory when it is imported, by the variable PROMETHEUS_MULTIPROC_DIR, which
MetricsFolder sets. Unit tests do not set it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from reference_server.errors import Failure

Store = TypeVar("Store")

_REQUEST_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_DELAY_BUCKETS_S = (0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 5, 10, 30, 60, 600)
_STORE_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
_STORES = ("redis", "mongodb")


class Metrics:
    """The metrics of one worker process. `folder` holds the files of all workers; None means in memory."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._registry = registry = CollectorRegistry()
        self._requests = Histogram(
            "chat_request_seconds",
            "Time to answer a request, by endpoint and status; polls with wait are 'messages.poll (waiting)',"
            " unknown paths are all 'unknown'",
            ("endpoint", "status"),
            registry=registry,
            buckets=_REQUEST_BUCKETS_S,
        )
        self._sent = Counter(
            "chat_messages_sent",
            "Messages stored, without retries; queued=false: the push failed and went into the outbox",
            ("queued",),
            registry=registry,
        )
        self._delivered = Counter(
            "chat_messages_delivered",
            "Messages in answers to polls, by their source",
            ("source",),
            registry=registry,
        )
        self._delay = Histogram(
            "chat_visible_delay_seconds",
            "Age of the oldest message in an answer to a poll with a cursor: how long a client that was there"
            " has waited; long as well after a client was away",
            registry=registry,
            buckets=_DELAY_BUCKETS_S,
        )
        self._store_seconds = Histogram(
            "chat_store_seconds",
            "Time of a call to a store; an open breaker fails calls at once",
            ("store", "operation", "outcome"),
            registry=registry,
            buckets=_STORE_BUCKETS_S,
        )
        self._breakers = Gauge(
            "chat_breakers_open",
            "Worker processes whose breaker for this store is open",
            ("store",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        # Looking a series up takes longer than counting.
        self._requests_of = cache(self._requests.labels)
        self._store_seconds_of = cache(self._store_seconds.labels)
        self._sent_of = cache(self._sent.labels)
        self._delivered_of = cache(self._delivered.labels)
        self._show_zeros()

    def _show_zeros(self) -> None:
        """Create every series at once: one that appears with its first event hides that event from rate().

        This also opens the metric files. If a clean-up of temporary files removed the folder before, every
        request would fail when it is counted.
        """
        self._requests.labels("health.live", 200)
        for queued in ("true", "false"):
            self._sent.labels(queued)
        for store in _STORES:
            self._delivered.labels(store)
            self._breakers.labels(store).set(0)

    def answered(self, endpoint: str, status: int, seconds: float) -> None:
        """Count a request. `endpoint` must be one of a few values: each is a series."""
        self._requests_of(endpoint, status).observe(seconds)

    def sent(self, *, queued: bool) -> None:
        """Count a stored message. Retries of a stored message do not count."""
        self._sent_of(str(queued).lower()).inc()

    def delivered(self, count: int, source: str) -> None:
        """Count the messages of one answer to a poll."""
        if count:
            self._delivered_of(source).inc(count)

    def became_visible(self, seconds: float) -> None:
        """Count the age of the oldest message that a poll with a cursor was answered."""
        self._delay.observe(seconds)

    def breaker_moves(self, store: str) -> Callable[[bool], None]:
        """Return a function for this store's breaker to call when it opens (True) or closes (False)."""
        return self._breakers.labels(store).set

    def timed(self, store_name: str, store: Store) -> Store:
        """Return a wrapper of this store that times its calls."""

        def observe(operation: str, outcome: str, seconds: float) -> None:
            self._store_seconds_of(store_name, operation, outcome).observe(seconds)

        return cast(Store, _Timed(store, observe))

    def page(self, pending: int) -> bytes:
        """Return the metrics of all workers in Prometheus' text format. `pending`: entries in the outbox."""
        registry = self._registry
        if self._folder is not None:
            registry = CollectorRegistry()
            _AllWorkers(registry, str(self._folder))  # type: ignore[no-untyped-call]  # it has no types
        outbox = GaugeMetricFamily(
            "chat_outbox_pending",
            "Mailboxes in the outbox, whose queue still waits for a push",
            value=pending,
        )
        return generate_latest(registry) + generate_latest(_Just(outbox))


class _AllWorkers(MultiProcessCollector):
    """What all workers have counted."""

    def collect(self) -> Iterable[Metric]:
        """Return the sums of the files that have a size. Override the library's method.

        A worker that has just created a file, or was killed while it did so, leaves an empty one. The
        library raises an error for it.
        """
        files = [str(file) for file in Path(self._path).glob("*.db") if _size(file)]
        return self.merge(files)  # type: ignore[no-untyped-call, no-any-return]  # it has no types


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # gauges of a dead worker are removed
        return 0


class _Just:
    """A registry with one metric."""

    def __init__(self, metric: GaugeMetricFamily) -> None:
        self._metric = metric

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield self._metric


class _Timed:
    """Wraps a store and calls `observe` with the operation, outcome and seconds of each call."""

    def __init__(self, store: object, observe: Callable[[str, str, float], None]) -> None:
        self._store = store
        self._observe = observe

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._store, name)
        return self._timed(name) if callable(value) else value

    def _timed(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            outcome, started_s = "ok", time.perf_counter()
            try:
                return getattr(self._store, name)(*args, **named)
            except Failure:
                outcome = "failed"
                raise
            finally:
                self._observe(name, outcome, time.perf_counter() - started_s)

        setattr(self, name, call)  # later calls skip __getattr__
        return call
