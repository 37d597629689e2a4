"""Health checks: liveness and readiness of this process."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from reference_server.blueprints.answers import RETRY_AFTER_S, answer
from reference_server.errors import Misconfigured
from reference_server.interfaces import Guarded
from reference_server.stale_queues import StaleQueues


def blueprint(queue: Guarded, store: Guarded, stale_queues: StaleQueues) -> Blueprint:
    """Return the endpoints /health/live and /health/ready."""
    bp = Blueprint("health", __name__, url_prefix="/health")

    @bp.get("/live")
    def live() -> Response:
        return answer({"status": "ok"})

    @bp.get("/ready")
    def ready() -> Response:
        """Ready while one store is up: either of them can answer polls."""
        stores = {"redis": _state(queue), "mongodb": _state(store)}
        up = [store["status"] == "up" for store in stores.values()]
        status = "ok" if all(up) else "degraded" if any(up) else "down"
        response = answer(
            {"status": status, "stores": stores, "owed": len(stale_queues)}, 200 if any(up) else 503
        )
        if not any(up):
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
        return response

    return bp


def _state(store: Guarded) -> dict[str, Any]:
    """Return a store's state. Probe it, unless its breaker is open. Add why it is misconfigured, if it is."""
    is_open = store.breaker.is_open
    is_up = not is_open and store.probe()
    state = {"status": "up" if is_up else "down", "breaker": "open" if is_open else "closed"}
    reason = store.breaker.reason
    return state | ({"reason": str(reason)} if isinstance(reason, Misconfigured) else {})
