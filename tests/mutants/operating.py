"""Mutants of what operators rely on: readiness, metrics, the description, signals, and dead workers."""

from __future__ import annotations

import os
import signal

from reference_server.metrics import Metrics
from reference_server.process.master import Master
from tests.mutants.registry import STORY, find, mutant

_page, _operation = Metrics.page, find("openapi.document:_operation")[2]
_manage_workers = Master.manage_workers


@mutant(
    row="OPS-01",
    promise=STORY,
    says="/health/ready says",
    replaces="blueprints.health:_state",
)
def always_ready(store):
    """Readiness says that each store is up, without asking."""
    return {"status": "up", "breaker": "closed"}


@mutant(row="OPS-02", promise=STORY, says="sent, and", replaces="metrics:Metrics.page")
def metrics_of_one_worker(self, pending):
    """Each worker reports only what it counted itself."""
    self._folder = None
    return _page(self, pending)


@mutant(row="OPS-02", promise=STORY, says="no counter grew")
def nothing_counted():
    """Metrics never change."""
    Metrics.sent = Metrics.answered = Metrics.delivered = lambda self, *what, **how: None
    Metrics.timed = lambda self, name, store: store


@mutant(
    row="OPS-03",
    promise=STORY,
    says="needs no token",
    replaces="openapi.document:_operation",
)
def description_without_tokens(*arguments, token=False, **options):
    """The description does not say which calls need a token."""
    return _operation(*arguments, **options)


@mutant(row="OPS-04", promise="available")
def hang_up_ends_the_workers():
    """On SIGHUP the workers end without answering what they accepted; the master starts others."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@mutant(row="OPS-04", promise="available")
def hang_up_ends_the_server():
    """The server ends on SIGHUP."""
    signal.signal(signal.SIGHUP, lambda number, frame: os.kill(os.getppid(), signal.SIGKILL))


@mutant(row="CHAOS-28", promise="stops-cleanly")
def sigterm_drops_requests():
    """On SIGTERM a worker ends at once without answering what it accepted."""
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))


@mutant(row="CHAOS-26", promise="available", replaces="process.master:Master.manage_workers", in_master=True)
def dead_workers_not_replaced(self):
    """A worker that dies is not replaced; after the last one no request is answered."""
    if not self.worker_age:  # gunicorn's count of the workers that it has started
        _manage_workers(self)
