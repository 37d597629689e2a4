"""Write answers: JSON, problem documents (RFC 9457), and the headers of every answer."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from reference_server import logs
from reference_server.errors import Problem, RateLimited, Unauthenticated, Unavailable

log = logging.getLogger(__name__)

RETRY_AFTER_S = 1
_OF_EVERY_ANSWER = (
    ("Cache-Control", "no-store"),  # only the page's assets, whose names change with their contents, differ
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    # The API serves no pages, scripts or images. A page sets a policy of its own.
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
)
ENDPOINT = "reference_server.endpoint"
"""Where the WSGI environment names the endpoint of a request that Flask did not see."""
encode = msgspec.json.Encoder().encode


def answer(body: dict[str, Any], status: int = 200) -> Response:
    """Return a JSON answer."""
    return _json(body, status, "application/json")


def _json(body: dict[str, Any], status: int, mimetype: str) -> Response:
    return Response(encode(body), status, mimetype=mimetype)


def problem(status: int, title: str, code: str, detail: str, **extra: str) -> Response:
    """Return a problem answer (RFC 9457)."""
    body = {"type": "about:blank", "status": status, "title": title, "detail": detail, "code": code}
    response = _json(body | {"request_id": logs.request_id.get()} | extra, status, "application/problem+json")
    if status in (429, 503):
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def install(app: Flask) -> None:
    """Install the error handlers."""
    app.register_error_handler(Problem, from_problem)
    app.register_error_handler(HTTPException, _from_http_exception)
    app.register_error_handler(Exception, from_bug)


def complete(headers: list[tuple[str, str]]) -> None:
    """Add the headers of every answer to its own ones."""
    own = {name for name, _ in headers}
    headers += [header for header in _OF_EVERY_ANSWER if header[0] not in own]
    headers.append(("X-Request-Id", logs.request_id.get()))


def from_problem(error: Problem) -> Response:
    """Return the answer of a Problem."""
    extra = {"outcome": error.outcome} if isinstance(error, Unavailable) and error.outcome else {}
    response = problem(error.status, error.title, error.code, error.detail, **extra)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RateLimited):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _from_http_exception(error: HTTPException) -> Response:
    """Answer Flask's own errors: unknown path, wrong method, body too large."""
    status = error.code or 500
    detail = error.description or error.name
    if isinstance(error, RequestEntityTooLarge):
        detail = f"The body is too large: it must have at most {request.max_content_length:,} bytes."
    response = problem(status, error.name, error.name.lower().replace(" ", "_"), detail)
    for name, value in error.get_headers():
        if name.lower() == "allow":
            response.headers[name] = value
    return response


def from_bug(error: Exception) -> Response:
    """Log an unexpected exception and return its answer."""
    log.error("Unexpected error", exc_info=error)
    detail = "An unexpected error occurred in the server. Its log has the details under this request_id."
    return problem(500, "Internal server error", "internal_error", detail)
