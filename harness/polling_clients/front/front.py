"""The HTTP server of the front: it passes requests on to the real server, unless the script says otherwise.

All of it runs in one event loop; the harness records what each client was sent, and when.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web
from yarl import URL

from harness.polling_clients.front.answers import Page, Reply
from harness.polling_clients.front.exchange import Exchange
from harness.polling_clients.front.files import Files, type_of
from harness.polling_clients.front.script import Script

HOST = "127.0.0.1"
LABEL = "X-Pollproof-Client"
"""A header in which the harness names the tab, as its pages share one address. Programs have a port each."""
LONGEST_BODY_BYTES = 16 * 1024**2
_OURS_ALONE = frozenset({"host", "connection", "accept-encoding", "content-length", LABEL.lower()})
_OF_THE_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date"})
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no time: closing resets the connection."""
Record = Callable[..., Any]


class Front:
    """A proxy in front of the server at `upstream`. `interval_ms` is what its answers ask clients to wait."""

    def __init__(self, upstream: str, record: Record, *, files: Files, interval_ms: int) -> None:
        self.script = Script()
        self.open: set[Exchange] = set()
        """The requests that are not answered yet."""
        self.owners: dict[str, str] = {}
        """Whose mailbox each message was in, by its id."""
        self._upstream = upstream
        self.record = record
        self._files = files
        self._interval_ms = interval_ms
        self._labels: dict[int, str] = {}
        self._last_pages: dict[tuple[str, str], Reply] = {}
        self._released = asyncio.Event()

    async def open_up(self) -> str:
        """Begin to listen; return the URL for pages."""
        app = web.Application(client_max_size=LONGEST_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._handle)
        # A client that is gone cancels what is done for it.
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        connector = TCPConnector(limit=0, force_close=True)  # a reused connection could be a dead one
        self._http = ClientSession(
            connector=connector, auto_decompress=False, timeout=ClientTimeout(total=None)
        )
        return await self.listen("")

    async def listen(self, label: str) -> str:
        """Listen on one more port, for the client of this label; return the URL."""
        listener = socket.create_server((HOST, 0))
        port = listener.getsockname()[1]
        self._labels[port] = label
        await web.SockSite(self._runner, listener).start()
        return f"http://{HOST}:{port}"

    async def close(self) -> None:
        """End every request and stop listening."""
        self._released.set()
        await self._runner.cleanup()
        await self._http.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        file = self._files.find(request.path)
        if file is not None and request.method in ("GET", "HEAD"):
            headers = {"Content-Type": type_of(file), "Cache-Control": "no-store"}
            return web.Response(body=file.read_bytes(), headers=headers)
        exchange = self._exchange(request, await request.read())
        if not request.path.startswith("/api/"):
            return await self._pass_on(request, exchange)
        return await self._recorded(request, exchange)

    def _exchange(self, request: web.Request, body: bytes) -> Exchange:
        client = self._label(request)
        exchange = Exchange(
            client=client,
            method=request.method,
            path=request.path,
            query=request.query,
            forward=lambda: self._forward(request, body, exchange),
            released=self._released.wait,
        )
        if exchange.user is not None:
            exchange.last_page = self._last_pages.get((client, exchange.user))
        return exchange

    def _label(self, request: web.Request) -> str:
        port = request.transport.get_extra_info("sockname")[1] if request.transport else 0
        return self._labels.get(port) or str(request.headers.get(LABEL, ""))

    async def _pass_on(self, request: web.Request, exchange: Exchange) -> web.StreamResponse:
        """Answer what is not of the API as the server does; it is not recorded."""
        reply = await exchange.forward()
        if reply is None:
            return _hung_up(request)
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)

    async def _recorded(self, request: web.Request, exchange: Exchange) -> web.StreamResponse:
        """Answer as the script says, and record what the client was sent."""
        misbehaviour = self.script.take(exchange) if exchange.is_poll else None
        script = misbehaviour.name if misbehaviour else ""
        sent = _Sent()
        self.open.add(exchange)
        try:
            sent.reply = await (misbehaviour.act(exchange) if misbehaviour else exchange.forward())
            response = await self._send(request, sent)
        except (ConnectionError, asyncio.CancelledError):
            sent.aborted = not self._released.is_set()  # else it is the harness that ends
            raise
        finally:
            self.open.discard(exchange)
            self._note(exchange, sent, script)
        return response

    async def _send(self, request: web.Request, sent: _Sent) -> web.StreamResponse:
        reply = sent.reply
        if reply is None:
            return _hung_up(request)
        response = web.StreamResponse(status=reply.status, headers=reply.headers)
        response.content_length = len(reply.body)
        await response.prepare(request)
        await response.write(reply.body[: reply.cut_after])
        if reply.cut_after is not None:
            _hung_up(request)
            return response
        await response.write_eof()
        sent.is_whole = request.transport is not None and not request.transport.is_closing()
        sent.aborted = not sent.is_whole
        return response

    def _note(self, exchange: Exchange, sent: _Sent, script: str) -> None:
        event = exchange.event(sent.reply, script=script, is_whole=sent.is_whole, aborted=sent.aborted)
        if exchange.user is not None and sent.reply is not None and event["messages"]:
            self.owners |= dict.fromkeys(event["messages"], exchange.user)
            if event["is_good"]:
                self._last_pages[exchange.client, exchange.user] = sent.reply
        self.record("client_request", t=time.monotonic_ns(), **event)

    async def _forward(self, request: web.Request, body: bytes, exchange: Exchange) -> Reply | None:
        """Return the server's answer; None if it gave none."""
        headers = {name: text for name, text in request.headers.items() if name.lower() not in _OURS_ALONE}
        headers["Accept-Encoding"] = "identity"
        url = self._upstream + request.raw_path
        try:
            async with self._http.request(
                request.method, _as_is(url), data=body or None, headers=headers, allow_redirects=False
            ) as answer:
                reply = Reply(
                    answer.status,
                    await answer.read(),
                    _passed_on(answer.headers),
                    retry_after_s=_seconds(answer.headers.get("Retry-After", "")),
                )
        except (ClientError, OSError):
            return None
        return self._at_the_clients_pace(reply) if exchange.is_poll else reply

    def _at_the_clients_pace(self, reply: Reply) -> Reply:
        """Return a page with the interval of the client's profile."""
        page = Page.of(reply)
        if page is None:
            return reply
        body = json.dumps({**page.fields, "poll_after_ms": self._interval_ms}).encode()
        return Reply(reply.status, body, reply.headers)


class _Sent:
    """What one request was sent."""

    def __init__(self) -> None:
        self.reply: Reply | None = None
        self.is_whole = False
        self.aborted = False


def _as_is(url: str) -> URL:
    """Return a URL whose escapes stay as the client wrote them."""
    return URL(url, encoded=True)


def _seconds(retry_after: str) -> float | None:
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in headers.items() if name.lower() not in _OF_THE_CONNECTION}


def _hung_up(request: web.Request) -> web.StreamResponse:
    """Reset the connection; what is returned is never sent."""
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        request.transport.abort()
    return web.Response()
