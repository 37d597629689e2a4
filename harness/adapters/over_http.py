"""The adapter of servers that speak HTTP, by the `[wire]` of their profile."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from harness.adapters.accounts import create_by_command
from harness.adapters.base import Adapter, Site
from harness.adapters.http import Http, Request, Transport
from harness.adapters.manners import Asked, Manner
from harness.adapters.reading import Reader
from harness.adapters.results import JSON, Ack, Answer, Failed, Page, Said, Session
from harness.adapters.spellings import JSON as JSON_TYPE
from harness.adapters.wire import Wire
from harness.adapters.writing import Writer


class Codec:
    """How one server's requests are written and its answers read; all its users share it."""

    def __init__(
        self,
        wire: Wire,
        *,
        has_timestamp_cursor: bool = True,
        newest_first: bool = False,
        is_broken: Callable[[], bool] = lambda: False,
    ) -> None:
        self.wire = wire
        self.writer = Writer(wire, has_timestamp_cursor=has_timestamp_cursor)
        self.reader = Reader(
            wire,
            has_timestamp_cursor=has_timestamp_cursor,
            newest_first=newest_first,
            is_broken=is_broken,
        )


class HttpAdapter(Adapter):
    """One user's connection over HTTP. With the URLs of several instances each request goes to the next."""

    def __init__(
        self,
        site: Site,
        username: str,
        password: str,
        *,
        codec: Codec | None = None,
        transport: Transport | None = None,
        timeout_s: float = 5.0,
    ) -> None:
        super().__init__(site, username, password)
        self.codec = codec or Codec(Wire())
        self.session: Session | None = None
        self._http = Http(site.urls, timeout_s=timeout_s)
        self._transport = transport or self._http
        self.registers = self.codec.wire.users != "list"
        self.signs_in = bool(self.codec.wire.sign_in.path)

    @property
    def token(self) -> str | None:
        """What later requests show; None before the first sign-in."""
        return self.session.token if self.session else None

    def register(self) -> Said:
        """Create this user, by the endpoint or by the operator's command."""
        if self.codec.wire.users == "command":
            words = self.codec.wire.user_command
            url = self.site.urls[0]
            return create_by_command(words, username=self.username, password=self.password, base_url=url)
        return self.codec.reader.registered(self.ask("register", self._credentials()))

    def sign_in(self) -> Session | None:
        """Sign in and keep the token for every later call."""
        self.session = self.codec.reader.session(self.ask("sign_in", self._credentials()))
        return self.session

    def send(self, recipient: str, content: str, client_message_id: str | None) -> Ack:
        """Send one message."""
        return self.send_as(recipient, Manner(content, client_message_id))

    def poll(self, since: str | None, limit: int | None, wait_s: float) -> Page:
        """Poll this user's mailbox."""
        parameters = {} if since is None else {"since": since}
        parameters |= {} if limit is None else {"limit": str(limit)}
        parameters |= {"wait": f"{wait_s:g}"} if wait_s else {}
        return self.poll_as(Asked(since, parameters))

    def send_as(self, recipient: str, manner: Manner) -> Ack:
        """Send one message in this manner."""
        request = self.codec.writer.send(self.username, recipient, manner)
        return self.codec.reader.ack(self.make(request))

    def poll_as(self, asked: Asked) -> Page:
        """Poll in this manner."""
        answer = self.make(self.codec.writer.poll(self.username, asked))
        return self.codec.reader.page(answer, mailbox=self.username, since=asked.since)

    def page_of(self, answer: Answer) -> Page:
        """Return what the raw answer to a poll of this user's mailbox says; nothing if it is not a page."""
        try:
            return self.codec.reader.page(answer, mailbox=self.username, since=None)
        except Failed:
            return Page()

    def history(self, other: str, limit: int | None = None) -> Page:
        """Read the newest page of a conversation."""
        fields = {"username": self.username, "other": other} | ({} if limit is None else {"limit": limit})
        answer = self.ask("history", fields)
        return self.codec.reader.page(answer, mailbox=self.username, since=None, operation="history")

    def ask(
        self,
        operation: str,
        fields: Mapping[str, Any],
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make the request of an operation with these fields; return the raw answer.

        `parameters` are more of the query. A `body` replaces the request's own.
        """
        request = self.codec.writer.request(operation, fields)
        return self.make(
            replace(
                request,
                body=request.body if body is None else body,
                headers={**request.headers, **(headers or {})},
                parameters={**request.parameters, **(parameters or {})},
            )
        )

    def call(
        self,
        method: str,
        path: str,
        *,
        body: JSON | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make any request as this user; `path` starts at the server's root. Bytes are sent as they are."""
        data = json.dumps(body).encode() if isinstance(body, Mapping) else body
        kind = {} if data is None else {"Content-Type": JSON_TYPE}
        return self.make(Request(method, path, parameters or {}, kind | dict(headers or {}), data))

    def make(self, request: Request) -> Answer:
        """Make a request as this user; its own headers override the token."""
        shown = self.codec.writer.authorization(self.username, self.password, self.session)
        headers = {**self.codec.wire.headers, **shown, **request.headers}
        return self._transport(replace(request, headers=headers))

    def close(self) -> None:
        """Close the idle connections."""
        self._http.close()

    def _credentials(self) -> dict[str, str]:
        return {"username": self.username, "password": self.password}
