"""The ways in which a server, or what is between it and a client, can legally misbehave."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from harness.polling_clients.front.answers import Page, Reply, problem

if TYPE_CHECKING:
    from harness.polling_clients.front.exchange import Exchange

HTML = b"<!doctype html><title>Sign in to the network</title><p>Please accept the terms of use.</p>"
PROBLEM_TYPE = "application/problem+json"
JUNK = (None, 7, "text", {"id": 7}, {"id": "x" * 24, "message": "without a sender"})
WRONG_SHAPES = (
    b"[]",
    b"null",
    b'"messages"',
    b'{"success": true}',
    b'{"messages": null, "next_since": null, "has_more": false}',
    b'{"messages": {"length": 1}, "next_since": 7, "has_more": "no"}',
)


@dataclass(frozen=True)
class Misbehaviour:
    """One way to answer a poll; `act` returns what the client is sent, or None: the connection is reset."""

    name: str
    act: Callable[[Exchange], Awaitable[Reply | None]]


def status(code: int, *, retry_after: int | None = None, as_date: bool = False) -> Misbehaviour:
    """Answer with an error, and with `Retry-After` in seconds, or as a date, if it is given."""

    async def act(exchange: Exchange) -> Reply:
        headers = {"Content-Type": PROBLEM_TYPE}
        left_s: float | None = retry_after
        if retry_after is not None and as_date:
            at_s = int(time.time()) + retry_after + 1  # a date has whole seconds
            headers["Retry-After"] = formatdate(at_s, usegmt=True)
            left_s = retry_after
        elif retry_after is not None:
            headers["Retry-After"] = str(retry_after)
        title = HTTPStatus(code).phrase
        body = problem(code, title, "This answer is part of a test.")
        return Reply(code, body, headers, retry_after_s=left_s)

    return Misbehaviour(f"status {code}", act)


def _constant(name: str, *replies: Reply | None) -> Misbehaviour:
    """Answer with these replies in turn."""
    turn = 0

    async def act(exchange: Exchange) -> Reply | None:
        nonlocal turn
        turn += 1
        return replies[(turn - 1) % len(replies)]

    return Misbehaviour(name, act)


def html() -> Misbehaviour:
    """Answer 200 with a page, as the sign-in page of a hotel's network does."""
    return _constant("HTML", Reply(200, HTML, {"Content-Type": "text/html; charset=utf-8"}))


def wrong_shape() -> Misbehaviour:
    """Answer 200 with JSON that is not an answer, each time another one."""
    return _constant("wrong shape", *(Reply(200, body) for body in WRONG_SHAPES))


def reset() -> Misbehaviour:
    """Reset the connection instead of answering."""
    return _constant("reset", None)


def never_answered() -> Misbehaviour:
    """Take the request and say nothing, until the client gives up."""

    async def act(exchange: Exchange) -> Reply | None:
        await exchange.released()
        return None

    return Misbehaviour("never answered", act)


def late(seconds: float) -> Misbehaviour:
    """Give the server's answer late."""

    async def act(exchange: Exchange) -> Reply | None:
        reply = await exchange.forward()
        await asyncio.sleep(seconds)
        return reply

    return Misbehaviour("late", act)


class Hold:
    """Holds polls back until `release`: what they are then answered, the client may not want any more."""

    def __init__(self) -> None:
        self._released = asyncio.Event()
        self.misbehaviour = Misbehaviour("held back", self._act)

    def release(self) -> None:
        """Let the answers go. For the loop's thread."""
        self._released.set()

    async def _act(self, exchange: Exchange) -> Reply | None:
        exchange.is_held_back = True
        await self._released.wait()
        return await exchange.forward()


def doubled_page() -> Misbehaviour:
    """Answer once more with the last page that had messages, as it was."""

    async def act(exchange: Exchange) -> Reply | None:
        reply = await exchange.forward()
        return exchange.last_page or reply

    return Misbehaviour("doubled page", act)


def missing_page() -> Misbehaviour:
    """Answer that there is nothing new, with the cursor where it was, although there may be something."""
    return _changed(
        "missing page",
        lambda exchange: {"messages": [], "count": 0, "has_more": False, "next_since": exchange.since},
    )


def gap() -> Misbehaviour:
    """Say that the server dropped messages before these."""
    return _changed("gap", lambda exchange: {"gap": True})


def poll_after(ms: int) -> Misbehaviour:
    """Ask the client to poll at another interval."""
    return _changed("poll_after_ms", lambda exchange: {"poll_after_ms": ms})


def _changed(name: str, changes: Callable[[Exchange], dict[str, Any]]) -> Misbehaviour:
    async def act(exchange: Exchange) -> Reply | None:
        reply = await exchange.forward()
        page = Page.of(reply) if reply else None
        return page.reply(**changes(exchange)) if page else reply

    return Misbehaviour(name, act)


def bad_message() -> Misbehaviour:
    """Put things that are not messages between the messages."""

    async def act(exchange: Exchange) -> Reply | None:
        reply = await exchange.forward()
        page = Page.of(reply) if reply else None
        if page is None:
            return reply
        messages = list(page.fields["messages"])
        for place, junk in enumerate(JUNK):
            messages.insert(2 * place, junk)
        return page.reply(messages=messages, count=len(messages))

    return Misbehaviour("bad message", act)


def cut_body() -> Misbehaviour:
    """Send half of the answer, and end the connection."""

    async def act(exchange: Exchange) -> Reply | None:
        reply = await exchange.forward()
        if reply is None:
            return None
        half = len(reply.body) // 2
        return Reply(reply.status, reply.body, reply.headers, cut_after=half)

    return Misbehaviour("cut body", act)
