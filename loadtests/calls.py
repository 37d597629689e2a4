"""One request with Locust's client: an `Answer` for the harness, a line in Locust's table."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import gevent
from locust.contrib.fasthttp import FastHttpSession, LocustBadStatusCode

from harness.client import Answer, Body, Malformed, json_object
from harness.client.bounded_http import LONGEST_BODY_BYTES

WHOLE_ANSWER_WITHIN_S = 10.0
PIECE_BYTES = 65536
PLAIN = {"Accept-Encoding": "identity"}
T = TypeVar("T")


def call(
    session: FastHttpSession,
    method: str,
    path: str,
    read: Callable[[Answer], T],
    *,
    tell: Callable[..., None],
    name: str | None = None,
    **options: Any,
) -> tuple[T | None, Malformed | None]:
    """Return what `read` makes of the answer, or the Malformed that it raises; report either to Locust."""
    answer = ask(session, method, path, **options)
    result, problem = None, None
    try:
        result = read(answer)
    except Malformed as error:
        problem = error
    tell(
        request_type=method,
        name=name or path,
        response_time=answer.seconds * 1000,
        response_length=len(answer.text),
        exception=problem,
        context={},
    )
    return result, problem


def ask(
    session: FastHttpSession, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any
) -> Answer:
    """Return what came back: whatever a server sends or does not send becomes an `Answer`.

    Locust's own time-out is for each read of a socket: a server that sends a byte a second outlasts it.
    """
    start_ns = time.monotonic_ns()
    late = TimeoutError(f"none within {WHOLE_ANSWER_WITHIN_S:g} s")
    try:
        with gevent.Timeout(WHOLE_ANSWER_WITHIN_S, late):
            status, raw = _exchange(session, method, path, headers=PLAIN | (headers or {}), **options)
    except Exception as error:  # noqa: BLE001  the client has no common base for what answers make it raise
        return Answer(None, Body(), _reason(error), start_ns, time.monotonic_ns())
    end_ns = time.monotonic_ns()
    if len(raw) > LONGEST_BODY_BYTES:
        return Answer(status, Body(), f"the body is longer than {LONGEST_BODY_BYTES} bytes", start_ns, end_ns)
    body, problem = json_object(raw)
    return Answer(status, body, problem, start_ns, end_ns, raw.decode(errors="replace"))


def _exchange(session: FastHttpSession, method: str, path: str, **options: Any) -> tuple[int, bytes]:
    # Not used as a context manager: Locust gets one report, from `call`, when the answer has been read.
    response = session.request(method, path, catch_response=True, stream=True, **options)
    error = response.request_meta["exception"]
    if error is not None and not isinstance(error, LocustBadStatusCode):
        raise error
    raw = bytearray()
    try:
        while len(raw) <= LONGEST_BODY_BYTES and (piece := response.read(PIECE_BYTES)):
            raw += piece
    finally:
        response.release()
    return response.status_code, bytes(raw)


def _reason(error: Exception) -> str:
    cause = getattr(error, "original", error)  # where the client says that it tries no more
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    return str(cause) if isinstance(cause, TimeoutError) else f"connection lost ({type(cause).__name__})"
