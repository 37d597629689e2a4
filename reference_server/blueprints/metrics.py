"""The page that Prometheus scrapes."""

from __future__ import annotations

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST

from reference_server.errors import Failure
from reference_server.interfaces import Outbox
from reference_server.metrics import Metrics
from reference_server.stale_queues import StaleQueues


def blueprint(metrics: Metrics, outbox: Outbox, stale_queues: StaleQueues) -> Blueprint:
    """Return the endpoint /metrics."""
    bp = Blueprint("metrics", __name__)

    @bp.get("/metrics")
    def page() -> Response:
        return Response(metrics.page(_pending(outbox, stale_queues)), content_type=CONTENT_TYPE_LATEST)

    return bp


def _pending(outbox: Outbox, stale_queues: StaleQueues) -> int:
    """Return the number of entries in the outbox; if it cannot be read, what this worker saw last."""
    try:
        return len(outbox.pending())
    except Failure:
        return len(stale_queues)
