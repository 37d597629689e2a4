"""The page that Prometheus scrapes, and the timing of every request."""

from __future__ import annotations

import time

from flask import Blueprint, Flask, Response, g, request
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


def install(app: Flask, metrics: Metrics) -> None:
    """Time every request of the app."""

    @app.before_request
    def start() -> None:
        g.started_s = time.perf_counter()

    @app.after_request
    def stop(response: Response) -> Response:
        metrics.answered(_endpoint(), response.status_code, time.perf_counter() - g.started_s)
        return response


def _endpoint() -> str:
    """Return the endpoint's label. Polls that may wait are slow on purpose, so they have another one."""
    endpoint = request.endpoint or "unknown"
    return f"{endpoint} (waiting)" if "wait" in request.args else endpoint
