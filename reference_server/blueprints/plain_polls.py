"""Plain polls, answered in front of Flask. Most requests are such, and Flask takes half of their time.

A plain poll is spelled as clients usually spell it: the user's own mailbox, with a valid token, and at most
`since` and `limit`, once each and in their usual form. All others are passed on to Flask, with everything
that must be refused. So this module decides nothing, and `Polls` gives the same answer to both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reference_server.auth import Tokens
from reference_server.blueprints import answers
from reference_server.blueprints import requests as read
from reference_server.blueprints.messages import ENDPOINT, Polls
from reference_server.contract import DEFAULT_PAGE_SIZE, PAGE_SIZE
from reference_server.errors import InvalidRequest, Problem, Unauthenticated

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PATH = re.compile(r"/api/users/messages/poll/([A-Za-z0-9_.@+-]{3,64})")
_SINCE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_LIMIT = re.compile(r"[1-9]\d{0,2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Poll:
    mailbox: str
    since: str | None = None
    since_us: int | None = None
    limit: int = DEFAULT_PAGE_SIZE


class PlainPolls:
    """Wraps the WSGI app of a Flask app."""

    def __init__(self, app: WSGIApplication, tokens: Tokens, polls: Polls) -> None:
        self._app = app
        self._tokens = tokens
        self._polls = polls

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        poll = self._plain(environ)
        if poll is None:
            return self._app(environ, start_response)
        environ[answers.ENDPOINT] = ENDPOINT
        try:
            body = answers.encode(self._polls.body(poll.mailbox, poll.since_us, poll.limit, poll.since))
        except Problem as problem:
            return answers.from_problem(problem)(environ, start_response)
        except Exception as error:  # noqa: BLE001 - as in Flask: a bug is logged, and answered 500
            return answers.from_bug(error)(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def _plain(self, environ: WSGIEnvironment) -> _Poll | None:
        path = environ["PATH_INFO"]
        match = _PATH.fullmatch(path) if environ["REQUEST_METHOD"] == "GET" else None
        if match is None or environ["RAW_URI"].partition("?")[0] != path:
            return None
        try:
            if self._tokens.username(environ.get("HTTP_AUTHORIZATION")) != match[1]:
                return None
            return _read_query(match[1], environ["QUERY_STRING"])
        except (Unauthenticated, InvalidRequest):
            return None


def _read_query(mailbox: str, query: str) -> _Poll | None:
    """Return the poll of a plain query, or None. Raise InvalidRequest for a date that does not exist."""
    given: dict[str, str] = {}
    for pair in query.replace("%3A", ":").split("&") if query else ():
        name, _, value = pair.partition("=")
        spelling = {"since": _SINCE, "limit": _LIMIT}.get(name)
        if spelling is None or name in given or not spelling.fullmatch(value):
            return None
        given[name] = value
    since, limit = given.get("since"), int(given.get("limit", DEFAULT_PAGE_SIZE))
    if limit not in PAGE_SIZE:
        return None
    return _Poll(mailbox, since, None if since is None else read.microseconds("since", since), limit)
