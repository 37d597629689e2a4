"""Around every request: its id, the headers of its answer, and the time that it took.

It is a WSGI middleware, because Flask's hooks take as much time as the rest of a short request.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from reference_server import logs
from reference_server.blueprints import answers
from reference_server.metrics import Metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Frame:
    """Wraps the WSGI app of a Flask app."""

    def __init__(self, app: WSGIApplication, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        started_s = time.perf_counter()

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            answers.complete(headers)
            seconds = time.perf_counter() - started_s
            self._metrics.answered(_endpoint(environ), int(status[:3]), seconds)
            return start_response(status, headers, *exc_info)

        token = logs.request_id.set(_request_id(environ))
        try:
            return self._app(environ, start)
        finally:
            logs.request_id.reset(token)


def _request_id(environ: WSGIEnvironment) -> str:
    """Return the client's own id of the request, if it is sane, or a new one."""
    given = environ.get("HTTP_X_REQUEST_ID", "")
    return given if _SANE_REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


def _endpoint(environ: WSGIEnvironment) -> str:
    """Return the endpoint's label. Polls that may wait are slow on purpose, so they have another one."""
    if answers.ENDPOINT in environ:
        return str(environ[answers.ENDPOINT])
    request = environ["werkzeug.request"]  # Flask puts it there
    endpoint = request.endpoint or "unknown"
    return f"{endpoint} (waiting)" if "wait" in request.args else endpoint
