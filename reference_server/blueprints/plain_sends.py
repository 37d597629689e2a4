"""Plain sends: without a query, and with a JSON body of a known length."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reference_server.blueprints import requests as read
from reference_server.blueprints.messages import SEND, Sends
from reference_server.blueprints.plain_requests import Kind, Plain

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_PATH = re.compile("/api/users/messages")
_TYPE = re.compile(r"application/json(?:; ?charset=utf-8)?", re.ASCII | re.IGNORECASE)
_LENGTH = re.compile(r"[1-9]\d{0,4}", re.ASCII)
"""Of bytes, always less than MAX_BODY_BYTES."""


def plain_sends(sends: Sends, *, trusted_proxies: int) -> Kind:
    """Return the kind of these requests."""

    def plain(user: str, path: re.Match[str], environ: WSGIEnvironment) -> Plain | None:
        length = environ.get("CONTENT_LENGTH", "")
        is_plain = _TYPE.fullmatch(environ.get("CONTENT_TYPE", "")) and _LENGTH.fullmatch(length)
        if not is_plain or environ["QUERY_STRING"]:
            return None

        def body() -> dict[str, Any]:
            fields = read.json_object(_whole(environ["wsgi.input"].read, int(length)))
            return sends.body(user, read.address_of(environ, trusted_proxies), fields)

        return Plain(SEND, body)

    return Kind(_PATH, plain)


def _whole(read_some: Callable[[int], bytes], length: int) -> bytes:
    """Return a body, which may arrive in pieces. One that ends too soon raises: see process/body.py."""
    body = read_some(length)
    while len(body) < length and (more := read_some(length - len(body))):
        body += more
    return body
