"""One request with Locust's client: an `Answer` for the harness, a line in Locust's table."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import gevent
from locust.contrib.fasthttp import FastHttpSession, LocustBadStatusCode
from urllib3 import HTTPHeaderDict

from harness.adapters.bounded_http import LONGEST_BODY_BYTES
from harness.adapters.http import Request, Transport
from harness.client import Answer, Body, Malformed, Result, Said, json_object
from harness.errors import DoesNotFit
from harness.history import NS_PER_S

WHOLE_ANSWER_WITHIN_S = 10.0
PIECE_BYTES = 65536
PLAIN = {"Accept-Encoding": "identity"}
S = TypeVar("S", bound=Said)
T = TypeVar("T")


def call(
    make: Callable[[], Result[S]], read: Callable[[Result[S]], T], *, tell: Callable[..., None], name: str
) -> tuple[T | None, Malformed | None]:
    """Return what `read` makes of the result, or the Malformed that it raises; report either to Locust."""
    start_ns = time.monotonic_ns()
    result, seconds, length, problem = None, 0.0, 0, None
    try:
        answer = make()
        seconds, length = answer.seconds, len(answer.text)
        result = read(answer)
    except Malformed as error:
        problem = error
    except DoesNotFit as error:
        problem, seconds = Malformed(str(error)), (time.monotonic_ns() - start_ns) / NS_PER_S
    method, _, path = name.partition(" ")
    tell(
        request_type=method,
        name=path,
        response_time=seconds * 1000,
        response_length=length,
        exception=problem,
        context={},
    )
    return result, problem


def transport(session: FastHttpSession) -> Transport:
    """Return what makes an adapter's requests with Locust's client."""

    def make(request: Request) -> Answer:
        return ask(session, request.method, request.target, headers=dict(request.headers), data=request.body)

    return make


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
            status, raw, came = _exchange(session, method, path, headers=PLAIN | (headers or {}), **options)
    except Exception as error:  # noqa: BLE001  the client has no common base for what answers make it raise
        return Answer(None, Body(), _reason(error), start_ns, time.monotonic_ns())
    end_ns = time.monotonic_ns()
    if len(raw) > LONGEST_BODY_BYTES:
        return Answer(status, Body(), f"the body is longer than {LONGEST_BODY_BYTES} bytes", start_ns, end_ns)
    body, problem = json_object(raw)
    return Answer(status, body, problem, start_ns, end_ns, raw.decode(errors="replace"), came)


def _exchange(
    session: FastHttpSession, method: str, path: str, **options: Any
) -> tuple[int, bytes, HTTPHeaderDict]:
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
    return response.status_code, bytes(raw), HTTPHeaderDict((response.headers or {}).items())


def _reason(error: Exception) -> str:
    cause = getattr(error, "original", error)  # where the client says that it tries no more
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    return str(cause) if isinstance(cause, TimeoutError) else f"connection lost ({type(cause).__name__})"
