"""HTTP without hidden retries, every request timed on the harness's clock."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

import urllib3

from harness.adapters.bounded_http import LONGEST_BODY_BYTES, new_pool, read_body
from harness.adapters.results import JSON, Answer, Body

NOT_JSON = "the body is not JSON"
NOT_AN_OBJECT = "the body is not a JSON object"


@dataclass(frozen=True)
class Request:
    """One request; `path` starts at the server's root.

    `unescaped` are characters of parameters that are not escaped. The answer may take `held_s` seconds
    longer than others.
    """

    method: str
    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    unescaped: str = ""
    held_s: float = 0.0

    @property
    def target(self) -> str:
        """The path and the query."""
        if not self.parameters:
            return self.path
        pairs = (f"{name}={quote(value, safe=self.unescaped)}" for name, value in self.parameters.items())
        return f"{self.path}{'&' if '?' in self.path else '?'}{'&'.join(pairs)}"


Transport = Callable[[Request], Answer]
"""Makes one request. It never raises: that none was answered is an answer without a status."""


class Http:
    """Makes requests; with the URLs of several instances each goes to the next, as behind a load balancer.

    `timeout_s` bounds each request to its last byte, in addition to the time that it may be held. It is far
    above every promised bound, so that a late answer counts as late and not as lost. Threads may share it.
    """

    def __init__(self, urls: Sequence[str], *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._urls = itertools.cycle([url.rstrip("/") for url in urls])
        self._pool = new_pool(maxsize=8)

    def __call__(self, request: Request) -> Answer:
        """Make a request. Its headers are sent in UTF-8."""
        headers = {name: value.encode().decode("latin-1") for name, value in request.headers.items()}
        url = next(self._urls) + request.target
        timeout = urllib3.Timeout(total=self._timeout_s + request.held_s, connect=self._timeout_s)
        start_ns = time.monotonic_ns()
        try:
            response = self._pool.request(
                request.method,
                url,
                body=request.body,
                headers=headers,
                timeout=timeout,
                preload_content=False,
            )
            raw = read_body(response)
        except urllib3.exceptions.HTTPError as error:
            return Answer(None, Body(), _reason(error), start_ns, time.monotonic_ns())
        return _answer(response, raw, start_ns, time.monotonic_ns())

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.clear()


def _answer(response: urllib3.BaseHTTPResponse, raw: bytes | None, start_ns: int, end_ns: int) -> Answer:
    if raw is None:
        error: str | None = f"the body is longer than {LONGEST_BODY_BYTES} bytes"
        return Answer(response.status, Body(), error, start_ns, end_ns, "", response.headers)
    body, error = json_object(raw)
    text = raw.decode(errors="replace")
    return Answer(response.status, body, error, start_ns, end_ns, text, response.headers)


def json_object(raw: bytes) -> tuple[JSON, str | None]:
    """Return the JSON object that a body holds, and an error if it is not one."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return Body(), NOT_JSON
    return (Body(body), None) if isinstance(body, dict) else (Body(), NOT_AN_OBJECT)


def _reason(error: urllib3.exceptions.HTTPError) -> str:
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "connection refused"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "timeout"
    return f"connection lost ({type(error).__name__})"
