"""The page that Prometheus reads, and the timing of every request."""

from __future__ import annotations

import time

from flask import Blueprint, Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST

from reference_server.debts import Debts
from reference_server.errors import Failure
from reference_server.interfaces import Ledger
from reference_server.metrics import Metrics


def blueprint(metrics: Metrics, ledger: Ledger, debts: Debts) -> Blueprint:
    """Make /metrics."""
    bp = Blueprint("metrics", __name__)

    @bp.get("/metrics")
    def page() -> Response:
        return Response(metrics.page(_owed(ledger, debts)), content_type=CONTENT_TYPE_LATEST)

    return bp


def _owed(ledger: Ledger, debts: Debts) -> int:
    """The ledger knows what all workers owe; without it, this worker knows what it saw last."""
    try:
        return len(ledger.owed())
    except Failure:
        return len(debts)


def install(app: Flask, metrics: Metrics) -> None:
    """Time every request of the app from here on."""

    @app.before_request
    def start() -> None:
        g.started_s = time.perf_counter()

    @app.after_request
    def stop(response: Response) -> Response:
        metrics.answered(_endpoint(), response.status_code, time.perf_counter() - g.started_s)
        return response


def _endpoint() -> str:
    """A poll that may wait is slow on purpose, and would hide the slow ones among the others."""
    endpoint = request.endpoint or "unknown"
    return f"{endpoint} (waiting)" if "wait" in request.args else endpoint
