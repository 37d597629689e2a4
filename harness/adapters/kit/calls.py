"""Calls of an adapter by the test kit: what they return is of the right kind, and what they raise is said."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

from harness.adapters.base import Adapter
from harness.adapters.results import Ack, Message, Page
from harness.history.instants import instant


class Wrong(Exception):
    """What the adapter got wrong, as a sentence; nothing more can be found out behind it."""


def send(sender: Adapter, recipient: Adapter, content: str) -> Ack:
    """Send one message. Raise Wrong."""
    ack = call("send", lambda: sender.send(recipient.username, content, secrets.token_hex(8)))
    if not isinstance(ack, Ack):
        raise Wrong(f"send must return a harness.adapters.Ack, but returned {ack!r}")
    for name in ("id", "timestamp"):
        value = getattr(ack, name)
        if value is not None and not isinstance(value, str):
            raise Wrong(f"the {name} of an Ack must be a string or None, but is {value!r}")
    return ack


def poll(reader: Adapter, since: str | None, limit: int | None = None) -> Page:
    """Return the page of one poll. Raise Wrong."""
    page = call("poll", lambda: reader.poll(since, limit, 0.0))
    if not isinstance(page, Page):
        raise Wrong(f"poll must return a harness.adapters.Page, but returned {page!r}")
    if not all(isinstance(message, Message) for message in page.messages):
        raise Wrong("the messages of a Page must be harness.adapters.Message objects")
    return page


def call(name: str, call: Callable[[], object]) -> object:
    """Return what a method returns. Raise Wrong with what it raises."""
    try:
        return call()
    except Exception as error:
        said = getattr(error, "why", None) or error
        raise Wrong(f"{name} of a server that works raised {type(error).__name__}: {said}") from error


def contents(page: Page) -> list[str]:
    """Return the contents of a page's messages."""
    return [message.content for message in page.messages]


def wrong_message(message: Message, ann: Adapter, bob: Adapter, ack: Ack) -> Iterator[str]:
    """Yield what is wrong with a message from Ann to Bob, as a poll returned it."""
    if not isinstance(message.id, str):
        yield f"a message's id must be a string, but is {message.id!r}"
    if ack.id is not None and ack.id != message.id:
        yield f"send returned the id {ack.id!r}, and poll {message.id!r} for the same message"
    if message.sender not in (ann.username, "") or message.recipient != bob.username:
        yield (
            f"a message from {ann.username} to {bob.username} was returned"
            f" as one from {message.sender!r} to {message.recipient!r}"
        )
    if message.timestamp is not None and instant(message.timestamp) is None:
        yield f"a message's timestamp must be ISO 8601 or None, but is {message.timestamp!r}"
