"""From what a user wants to the request that the profile's `[wire]` describes."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from harness.adapters.epochs import as_number
from harness.adapters.http import Request
from harness.adapters.manners import USUAL, Asked, Manner
from harness.adapters.results import Session
from harness.adapters.spellings import FORM, JSON, SPELLINGS
from harness.adapters.wire import HEADER, Operation, Wire, spellings_of

CLOSE = {"Connection": "close"}
"""After it the next request uses another connection, perhaps to another worker."""
Fields = Mapping[str, Any]


class Writer:
    """Writes requests. `has_timestamp_cursor`: a cursor is a timestamp, and written as the wire has them."""

    def __init__(self, wire: Wire, *, has_timestamp_cursor: bool = True) -> None:
        self.wire = wire
        self._converts = has_timestamp_cursor and wire.timestamps != "text"

    def request(self, operation: str, fields: Fields, *, around: Fields | None = None) -> Request:
        """Return the request of an operation with these of its fields, by the profile's keys.

        What is no such field, such as the `username` of a poll, is only for the path, and so is what is
        `around`. A field that the wire lacks is left out.
        """
        table = getattr(self.wire, operation)
        named, headers = self._named(table, fields)
        request = Request(table.method, self._path(table, {**fields, **(around or {})}), headers=headers)
        given = {**table.fields, **named}
        if table.body == "query":
            return replace(request, parameters={name: _text(value) for name, value in given.items()})
        body, kind = _written(table.body, given)
        return replace(request, body=body, headers={"Content-Type": kind} | headers)

    def send(self, sender: str, recipient: str, manner: Manner) -> Request:
        """Return a send in one of the legal manners."""
        fields = {"recipient": recipient, "content": manner.content}
        if manner.client_message_id is not None:
            fields["client_message_id"] = manner.client_message_id
        if manner.names_sender:
            fields["sender"] = sender
        request = self.request("send", fields, around={"sender": sender})
        if manner.spelling != USUAL and manner.spelling in spellings_of(self.wire):
            named, headers = self._named(self.wire.send, fields)
            body, kind = SPELLINGS[manner.spelling]({**self.wire.send.fields, **named})
            request = replace(request, body=body, headers={"Content-Type": kind} | headers)
        return replace(request, headers={**request.headers, **(CLOSE if manner.new_connection else {})})

    def poll(self, username: str, asked: Asked) -> Request:
        """Return a poll in one of the legal manners."""
        table = self.wire.poll
        fields = self.cursor(asked.parameters)
        request = self.request("poll", {**fields, "username": username})
        return replace(
            request,
            parameters=self._in_order(request.parameters, fields),
            headers={**request.headers, **(CLOSE if asked.new_connection else {})},
            unescaped=asked.unescaped,
            held_s=asked.wait_s if table.wait or "wait" in table.path.names else 0.0,
        )

    def cursor(self, fields: Fields) -> Fields:
        """Return the fields of a poll with the cursor as the wire has it."""
        if not self._converts or not isinstance(since := fields.get("since"), str):
            return fields
        return {**fields, "since": as_number(since, self.wire.timestamps)}

    def _in_order(self, parameters: Mapping[str, str], fields: Fields) -> dict[str, str]:
        """Return a poll's parameters in the order of its fields, with those that no wire knows."""
        poll = self.wire.poll
        names = {key: getattr(poll, key) if key in poll.REQUEST else key for key in fields}
        unknown = {key: _text(value) for key, value in fields.items() if key not in poll.REQUEST}
        known = {**parameters, **unknown}
        return {name: known[name] for name in names.values() if name in known} | known

    def authorization(self, username: str, password: str, session: Session | None) -> dict[str, str]:
        """Return the headers that show who asks."""
        if self.wire.auth == "basic":
            pair = base64.b64encode(f"{username}:{password}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        if session is None or not session.token or self.wire.auth == "none":
            return {}
        name, value = {
            "bearer": ("Authorization", f"Bearer {session.token}"),
            "cookie": ("Cookie", session.token),
            "header": (self.wire.auth_header, session.token),
        }[self.wire.auth]
        return {name: value}

    def _named(self, table: Operation, fields: Fields) -> tuple[dict[str, Any], dict[str, str]]:
        """Return fields of the body or the query by their names on the wire, and those that are headers."""
        named: dict[str, Any] = {}
        headers: dict[str, str] = {}
        for key, value in fields.items():
            name = getattr(table, key) if key in table.REQUEST else ""
            if not name or key in table.path.names:
                continue
            if name.startswith(HEADER):
                headers[name[len(HEADER) :]] = _text(value)
            else:
                named[name] = value
        return named, headers

    def _path(self, table: Operation, values: Fields) -> str:
        filled = {name: _segment(_text(values.get(name, ""))) for name in table.path.names}
        return f"{self.wire.prefix}{table.path.format_map(filled)}"


def _segment(value: str) -> str:
    """Return a value as a segment of a path. A client itself takes a plain `..` for the folder above."""
    return value.replace(".", "%2E") if value in (".", "..") else quote(value, safe="")


def _written(kind: str, fields: Fields) -> tuple[bytes, str]:
    if kind == "form":
        return urlencode({name: _text(value) for name, value in fields.items()}).encode(), FORM
    return json.dumps(_nested(fields)).encode(), JSON


def _nested(fields: Fields) -> dict[str, Any]:
    """Return an object in which a name such as `/a/b` is the field `b` of the object `a`."""
    whole: dict[str, Any] = {}
    for name, value in fields.items():
        *outer, last = name[1:].split("/") if name.startswith("/") else [name]
        inside = whole
        for step in outer:
            inside = inside.setdefault(step, {})
        inside[last] = value
    return whole


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
