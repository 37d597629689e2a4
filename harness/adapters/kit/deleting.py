"""What an adapter gets wrong where reading deletes: at once, or by a receipt that the next poll returns."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from harness.adapters.base import Adapter
from harness.adapters.kit.calls import contents, poll, send, wrong_message
from harness.adapters.results import Ack, Message
from harness.semantics import Semantics

CONTENTS = ("first", "  zweite, mit Rändern  ", "third \U0001f642\u202e & <b>%20+\\n</b>")
MOST_POLLS = 20
"""A queue may bring a few messages at a time, and now and then none."""
LOOK_AGAIN_S = 0.05
SLACK_S = 2.0
"""How much later than promised a message may be visible again, on a busy machine."""


def wrong_where_reading_deletes(
    sender: Adapter, readers: tuple[Adapter, Adapter], semantics: Semantics, *, with_limits: bool
) -> Iterator[str]:
    """Yield what is wrong; the two readers are one user's."""
    reader, other = readers
    if poll(reader, None).messages:
        yield "poll of a mailbox that must be empty returned messages"
        return
    acks = {content: send(sender, reader, content) for content in CONTENTS}
    receipt, found, wrong = _read(reader, with_limits=with_limits)
    yield from wrong
    yield from _wrong_messages(found, acks, sender, reader, semantics)
    if semantics.delivery == "at_least_once":
        return
    if again := contents(poll(reader, receipt)):
        yield f"poll with the receipt of everything returned {again}, but nothing is new"
    if again := contents(poll(other, None)):
        yield f"poll by another reader returned {again}, of which the receipt had been given back"
    yield from _wrong_after_a_lost_reader(sender, readers, receipt, semantics.visibility_s)


def _read(reader: Adapter, *, with_limits: bool) -> tuple[str | None, list[Message], list[str]]:
    """Read until everything has come; return the last receipt, the messages, and what is wrong with pages."""
    receipt, found, wrong = None, list[Message](), list[str]()
    for _ in range(MOST_POLLS):
        page = poll(reader, receipt, limit=2 if with_limits else None)
        if with_limits and len(page.messages) > 2:
            wrong.append(f"poll with limit=2 returned {len(page.messages)} messages")
        if page.messages and page.next_since is None:
            wrong.append("a page with messages has next_since=None, so no poll can give their receipt back")
        receipt, found = page.next_since, [*found, *page.messages]
        if len(found) >= len(CONTENTS):
            break
    return receipt, found, wrong


def _wrong_messages(
    found: Sequence[Message],
    acks: dict[str, Ack],
    sender: Adapter,
    reader: Adapter,
    semantics: Semantics,
) -> Iterator[str]:
    came = [message.content for message in found]
    if sorted(came) != sorted(CONTENTS):
        yield f"polls returned {came}, but {list(CONTENTS)} were sent"
    elif came != list(CONTENTS) and semantics.order != "none":
        yield f"polls returned {came}, which is not the order in which they were sent"
    for message in found:
        if message.content in acks:
            yield from wrong_message(message, sender, reader, acks[message.content])


def _wrong_after_a_lost_reader(
    sender: Adapter, readers: tuple[Adapter, Adapter], receipt: str | None, visibility_s: float
) -> Iterator[str]:
    """Let one reader never come back: what it read stays gone, or another gets it after a while."""
    reader, other = readers
    send(sender, reader, "fourth")
    begin_s = time.monotonic()
    came = contents(poll(reader, receipt))
    if came != ["fourth"]:
        yield f"poll after a new message returned {came}, not ['fourth']"
        return
    early = contents(poll(other, None))
    if early and time.monotonic() < begin_s + visibility_s:
        yield f"poll by another reader returned {early}, which had just been read and must be hidden"
        return
    receipt = None
    while receipt is None and time.monotonic() < begin_s + visibility_s + SLACK_S:
        time.sleep(LOOK_AGAIN_S)
        page = poll(other, None)
        receipt = page.next_since if page.messages else None
    if receipt is None:
        return  # it was deleted as it was read
    poll(other, receipt)
    given_back_s = time.monotonic()
    while time.monotonic() < given_back_s + visibility_s + SLACK_S / 2:
        time.sleep(LOOK_AGAIN_S)
        if again := contents(poll(other, None)):
            yield f"poll returned {again} again, though its receipt had been given back"
            return
