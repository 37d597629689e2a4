"""What operators watch, in Prometheus' terms. docs/server.md lists every metric with its meaning.

Every worker process counts for itself, in files of one folder, and whichever is asked adds up all of them.
Where values are kept, prometheus_client decides at its import, by PROMETHEUS_MULTIPROC_DIR: the entry point
sets it. Without it, in tests, they are kept in memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from reference_server.errors import Failure

Store = TypeVar("Store")

_REQUEST_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_STORE_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
_STORES = ("redis", "mongodb")


class Metrics:
    """The metrics of one worker process. `folder` is where all workers keep theirs; None: in memory."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._registry = registry = CollectorRegistry()
        self._requests = Histogram(
            "chat_request_seconds",
            "Requests, by endpoint and status, with the time to their answer",
            ("endpoint", "status"),
            registry=registry,
            buckets=_REQUEST_BUCKETS_S,
        )
        self._sent = Counter(
            "chat_messages_sent",
            "Messages stored, by whether they were queued too",
            ("queued",),
            registry=registry,
        )
        self._delivered = Counter(
            "chat_messages_delivered",
            "Messages in answers to polls, by their source",
            ("source",),
            registry=registry,
        )
        self._store_seconds = Histogram(
            "chat_store_seconds",
            "Calls of a store, with their time; an open breaker fails them at once",
            ("store", "operation", "outcome"),
            registry=registry,
            buckets=_STORE_BUCKETS_S,
        )
        self._breakers = Gauge(
            "chat_breakers_open",
            "Worker processes whose breaker in front of this store is open",
            ("store",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._show_zeros()

    def _show_zeros(self) -> None:
        """A series that appears with its first event hides that event from rate().

        It also opens each kind's file now: were the folder removed before its first event, as old temporary
        files are, every request would fail in counting itself.
        """
        self._requests.labels("health.live", 200)
        for queued in ("true", "false"):
            self._sent.labels(queued)
        for store in _STORES:
            self._delivered.labels(store)
            self._breakers.labels(store).set(0)

    def answered(self, endpoint: str, status: int, seconds: float) -> None:
        """Count a request. `endpoint` must be one of a few: every value is a series of its own."""
        self._requests.labels(endpoint, status).observe(seconds)

    def sent(self, *, queued: bool) -> None:
        """Count a message that was stored now, not one that a retry found stored."""
        self._sent.labels(str(queued).lower()).inc()

    def delivered(self, count: int, source: str) -> None:
        """Count the messages of one answer to a poll."""
        self._delivered.labels(source).inc(count)

    def breaker_moves(self, store: str) -> Callable[[bool], None]:
        """Give what this store's breaker is to call when it opens (True) or closes."""
        return self._breakers.labels(store).set

    def timed(self, store_name: str, store: Store) -> Store:
        """Give what stands for this store and times its calls."""

        def observe(operation: str, outcome: str, seconds: float) -> None:
            self._store_seconds.labels(store_name, operation, outcome).observe(seconds)

        return cast(Store, _Timed(store, observe))

    def page(self, pending: int) -> bytes:
        """Return the metrics of all workers in Prometheus' text format. `pending`: entries in the outbox."""
        registry = self._registry
        if self._folder is not None:
            registry = CollectorRegistry()
            MultiProcessCollector(registry, str(self._folder))  # type: ignore[no-untyped-call]  # it has no types
        outbox = GaugeMetricFamily(
            "chat_outbox_pending", "Mailboxes whose queue still waits for a push", value=pending
        )
        return generate_latest(registry) + generate_latest(_Just(outbox))


class _Just:
    """A registry of one metric that was made just now."""

    def __init__(self, metric: GaugeMetricFamily) -> None:
        self._metric = metric

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield self._metric


class _Timed:
    """Stands for a store; `observe` is told operation, outcome and seconds of each call."""

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

        setattr(self, name, call)  # the next call finds it without coming here
        return call
