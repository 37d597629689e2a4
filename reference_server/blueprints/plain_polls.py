"""Plain polls: of the own mailbox, with at most `since`, `limit` and `wait`, once each and as usual."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from reference_server.blueprints import requests as read
from reference_server.blueprints.messages import POLL, WAITING_POLL, Polls
from reference_server.blueprints.plain_requests import Kind, Plain
from reference_server.contract import DEFAULT_PAGE_SIZE, LONGEST_WAIT_S, PAGE_SIZE
from reference_server.errors import InvalidRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_PATH = re.compile(r"/api/users/messages/poll/([A-Za-z0-9_.@+-]{3,64})")
_SPELLINGS = {
    "since": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII),
    "limit": re.compile(r"[1-9]\d{0,2}", re.ASCII),
    "wait": re.compile(r"[1-9]\d?", re.ASCII),
}


def plain_polls(polls: Polls) -> Kind:
    """Return the kind of these requests."""

    def plain(user: str, path: re.Match[str], environ: WSGIEnvironment) -> Plain | None:
        given = _read_query(environ["QUERY_STRING"]) if path[1] == user else None
        if given is None:
            return None
        since, limit = given.get("since"), int(given.get("limit", DEFAULT_PAGE_SIZE))
        wait_s = int(given.get("wait", 0))
        if limit not in PAGE_SIZE or wait_s > LONGEST_WAIT_S:
            return None
        try:
            since_us = None if since is None else read.microseconds("since", since)
        except InvalidRequest:  # a date that does not exist
            return None
        body = partial(polls.body, user, since_us, limit, since, wait_s)
        return Plain(WAITING_POLL if wait_s else POLL, body)

    return Kind(_PATH, plain)


def _read_query(query: str) -> Mapping[str, str] | None:
    """Return the parameters of a plain query, or None."""
    given: dict[str, str] = {}
    for pair in query.replace("%3A", ":").split("&") if query else ():
        name, _, value = pair.partition("=")
        spelling = _SPELLINGS.get(name)
        if spelling is None or name in given or not spelling.fullmatch(value):
            return None
        given[name] = value
    return given
