"""Plain requests, answered in front of Flask. Most requests are such, and Flask takes half of a poll's time.

A plain request is spelled as clients usually spell it, and has a valid token. All others are passed on to
Flask, before anything of their body is read. What a plain request asks for is decided and answered by the
same code as in Flask: nothing here, in plain_polls.py and in plain_sends.py knows a rule of the contract.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reference_server.auth import Tokens
from reference_server.blueprints import answers
from reference_server.errors import Problem, Unauthenticated

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(frozen=True, slots=True)
class Plain:
    """A plain request. `body` returns the body of its answer, or raises a Problem."""

    endpoint: str
    body: Callable[[], dict[str, Any]]


_HOST = re.compile(
    r"(?:[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?", re.ASCII
)
"""Werkzeug refuses the others, or some of them."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The plain requests with one path. `read` takes the user, the path and the WSGI environment."""

    path: re.Pattern[str]
    read: Callable[[str, re.Match[str], WSGIEnvironment], Plain | None]


class PlainRequests:
    """Wraps the WSGI app of a Flask app. `kinds` are the plain requests of each method."""

    def __init__(self, app: WSGIApplication, tokens: Tokens, kinds: Mapping[str, Kind]) -> None:
        self._app = app
        self._tokens = tokens
        self._kinds = kinds

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        kind = self._kinds.get(environ["REQUEST_METHOD"])
        plain = self._read(kind, environ) if kind else None
        if plain is None:
            return self._app(environ, start_response)
        environ[answers.ENDPOINT] = plain.endpoint
        try:
            body = answers.encode(plain.body())
        except Problem as problem:
            return answers.from_problem(problem)(environ, start_response)
        except Exception as error:  # noqa: BLE001 - as in Flask: a bug is logged, and answered 500
            return answers.from_bug(error)(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def _read(self, kind: Kind, environ: WSGIEnvironment) -> Plain | None:
        path = kind.path.fullmatch(environ["PATH_INFO"])
        if path is None or not _is_plain(environ):
            return None
        try:
            user = self._tokens.username(environ.get("HTTP_AUTHORIZATION"))
        except Unauthenticated:
            return None
        return kind.read(user, path, environ)


def _is_plain(environ: WSGIEnvironment) -> bool:
    """Return whether nothing but the endpoint's own headers can change the answer."""
    return (
        environ["RAW_URI"].partition("?")[0] == environ["PATH_INFO"]
        and _HOST.fullmatch(environ.get("HTTP_HOST", "")) is not None
        and "HTTP_UPGRADE" not in environ
    )
