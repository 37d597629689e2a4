"""The limit of what a Flask server can do: routes without any work, run by gunicorn as in `servers`.

Run by itself, without the rest of this project.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import gevent.event
from flask import Flask, Response

LONGEST_WAIT_S = 25.0
IDLE = {
    "messages": [],
    "count": 0,
    "has_more": False,
    "next_since": "2026-01-01T12:00:00.123456Z",
    "gap": False,
    "source": "redis",
    "degraded": False,
    "poll_after_ms": 2000,
    "timestamp": "2026-01-01T12:00:01.000000Z",
    "success": True,
}
"""What an idle poll is answered."""

app = Flask(__name__, static_folder=None)
_bytes = Path(os.environ["BARE_BYTES"]).read_bytes() if "BARE_BYTES" in os.environ else b"{}"
_waiting: dict[str, gevent.event.Event] = {}


@app.get("/json")
def as_json() -> dict[str, Any]:
    """Answer like an idle poll."""
    return IDLE


@app.get("/bytes")
def as_bytes() -> Response:
    """Answer with the bytes of the file BARE_BYTES."""
    return Response(_bytes, mimetype="application/json")


@app.get("/wait/<name>")
def wait(name: str) -> dict[str, Any]:
    """Answer when this name is woken, or after the longest wait of a poll."""
    _waiting.setdefault(name, gevent.event.Event()).wait(LONGEST_WAIT_S)
    _waiting.pop(name, None)
    return IDLE


@app.post("/wake/<name>")
def wake(name: str) -> dict[str, Any]:
    """Wake this name, which must be waiting."""
    _waiting[name].set()
    return IDLE
