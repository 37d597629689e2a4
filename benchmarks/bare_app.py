"""The limit of what a Flask server can do: routes without any work, run by gunicorn as in `servers`.

Run by itself, without the rest of this project.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import gevent.event
from flask import Flask, Response, request

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
MESSAGE = {
    "id": "019b78c5-8e00-7000-8000-000000000000",
    "seq": 42,
    "from": "alice",
    "to": "bob",
    "message": "message 42: the quick brown fox jumps over the lazy dog",
    "timestamp": "2026-01-01T12:00:00.123456Z",
    "client_message_id": "0123456789abcdef01234567",
}

app = Flask(__name__, static_folder=None)
_waiting: dict[str, gevent.event.Event] = {}


@app.get("/json")
def as_json() -> dict[str, Any]:
    """Answer like an idle poll."""
    return IDLE


@app.get("/bytes")
def as_bytes() -> Response:
    """Answer with the bytes of the file that BARE_ANSWER names."""
    return Response(_answer(), mimetype="application/json")


@functools.cache
def _answer() -> bytes:
    return Path(os.environ["BARE_ANSWER"]).read_bytes()


@app.get("/wait/<name>")
def wait(name: str) -> dict[str, Any]:
    """Answer with a message when this name is woken, or without one after `wait` seconds."""
    woken = _waiting.setdefault(name, gevent.event.Event()).wait(request.args.get("wait", type=float))
    _waiting.pop(name, None)
    return IDLE | {"messages": [MESSAGE], "count": 1} if woken else IDLE


@app.post("/wake/<name>")
def wake(name: str) -> dict[str, Any]:
    """Wake this name, or whoever waits by it next."""
    _waiting.setdefault(name, gevent.event.Event()).set()
    return IDLE
