"""Plain polls: of the own mailbox, with at most `since` and `limit`, once each and in their usual form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from reference_server.blueprints import requests as read
from reference_server.blueprints.messages import POLL, Polls
from reference_server.blueprints.plain_requests import Answer, Kind
from reference_server.contract import DEFAULT_PAGE_SIZE, PAGE_SIZE
from reference_server.errors import InvalidRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_PATH = re.compile(r"/api/users/messages/poll/([A-Za-z0-9_.@+-]{3,64})")
_SINCE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_LIMIT = re.compile(r"[1-9]\d{0,2}", re.ASCII)


def plain_polls(polls: Polls) -> Kind:
    """Return the kind of these requests."""

    def answer(user: str, path: re.Match[str], environ: WSGIEnvironment) -> Answer | None:
        given = _read_query(environ["QUERY_STRING"]) if path[1] == user else None
        if given is None:
            return None
        since, limit = given.get("since"), int(given.get("limit", DEFAULT_PAGE_SIZE))
        try:
            since_us = None if since is None else read.microseconds("since", since)
        except InvalidRequest:  # a date that does not exist
            return None
        return partial(polls.body, user, since_us, limit, since) if limit in PAGE_SIZE else None

    return Kind(POLL, _PATH, answer)


def _read_query(query: str) -> Mapping[str, str] | None:
    """Return the parameters of a plain query, or None."""
    given: dict[str, str] = {}
    for pair in query.replace("%3A", ":").split("&") if query else ():
        name, _, value = pair.partition("=")
        spelling = {"since": _SINCE, "limit": _LIMIT}.get(name)
        if spelling is None or name in given or not spelling.fullmatch(value):
            return None
        given[name] = value
    return given
