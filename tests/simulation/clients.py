"""The clients of an execution: senders that try again, and readers that go on polling."""

from __future__ import annotations

from collections.abc import Sequence

from reference_server.errors import Unavailable
from reference_server.message import Message
from tests.simulation.history import Chain, Send, Violation
from tests.simulation.world import Cut, World

TO = "bob"
MOST_POLLS = 50
ON_TIME_S = 2.0


def sender(world: World, name: str, *contents: str, at: int = 0, attempts: int = 3, to: str = TO) -> None:
    """Add a client that sends its messages in order, each until it is acked, at one worker after another."""
    sends = [Send(name, content, f"id-of-{content}", to=to) for content in contents]
    world.history.sends += sends

    def run() -> None:
        for send in sends:
            for attempt in range(attempts):
                if _is_acked(world, send, at + attempt):
                    break

    world.hub.spawn(name, run)


def retrier(world: World, name: str, content: str, at: int) -> None:
    """Add a client that sends a message a second time, at another worker, without having had an answer."""
    twin = next(send for send in world.history.sends if send.content == content)
    world.hub.spawn(name, lambda: _is_acked(world, twin, at))


def _is_acked(world: World, send: Send, number: int) -> bool:
    try:
        sent = world.request(
            number, lambda worker: worker.messenger.send(send.sender, send.to, send.content, send.client_id)
        )
    except (Unavailable, Cut) as error:
        outcome = getattr(error, "outcome", "unknown") or "no outcome"
        world.hub.note(f"the send of '{send.content}' is answered 503 {outcome}")
        send.outcomes.append(outcome)
        return False
    if send.acked is not None and sent.message != send.acked:
        raise Violation(f"no-duplicate: the retry of '{send.content}' is another message")
    send.acked, send.acked_s = sent.message, world.hub.now_s
    send.acked_as_new += not sent.replayed
    if send.acked_as_new > 1:
        raise Violation(f"story: the answer to a retry of '{send.content}' is not `replayed`")
    send.outcomes.append("acked")
    queued = "" if sent.queued else ", not queued"
    again = ", replayed" if sent.replayed else ""
    world.hub.note(f"'{send.content}' is acked as no. {sent.message.seq}{queued}{again}")
    return True


def reader(
    world: World,
    name: str,
    *at: int,
    limit: int = 2,
    wait_s: float = 0.0,
    since_us: int | None = None,
    mailbox: str = TO,
) -> None:
    """Add a client that polls once at each of these workers; without a cursor at first, or from a time on."""
    chain = Chain(name, limit, since_us, mailbox=mailbox)
    world.history.chains.append(chain)

    def run() -> None:
        for number in at:
            poll(world, chain, number, wait_s)

    world.hub.spawn(name, run)


def poll(world: World, chain: Chain, number: int, wait_s: float = 0.0) -> Sequence[Message] | None:
    """Go on with a chain; return the page, or None without an answer. Raise Violation."""
    failures, began_s = world.hub.actor.failures, world.hub.now_s
    try:
        polled = world.request(
            number, lambda worker: worker.messenger.poll(chain.mailbox, chain.cursor_us, chain.limit, wait_s)
        )
    except (Unavailable, Cut):
        world.hub.note("the poll is not answered")
        return None
    page = polled.page
    contents = " ".join(f"no. {message.seq}" for message in page.messages) or "nothing"
    world.hub.note(f"receives {contents} from {polled.source}{', degraded' if polled.degraded else ''}")
    if world.hub.actor.failures > failures and not polled.degraded:
        raise Violation("available: a poll that could not use Redis is not degraded")
    is_cut = chain.cursor_us is None and bool(page.messages) and page.messages[0].seq > 1
    if page.has_more and not page.messages:
        raise Violation("available: an answer promises more, and has nothing")
    if is_cut and world.stored(chain.mailbox) <= world.setting.window:
        raise Violation(f"cursor: {chain.reader} does not begin at the first message")
    if is_cut is not page.gap:
        raise Violation(f"retention-told: the answer to {chain.reader} has gap={page.gap}")
    for message in page.messages:
        _receive(chain, message)
        _check_on_time(world, message, began_s)
    return list(page.messages)


def _check_on_time(world: World, message: Message, began_s: float) -> None:
    """Raise Violation if a poll was held for long after its message was acked."""
    for send in world.history.sends:
        if send.acked == message and world.hub.now_s - max(send.acked_s, began_s) > ON_TIME_S:
            raise Violation(f"on-time: '{send.content}' is received by a poll that was held for too long")


def _receive(chain: Chain, message: Message) -> None:
    """Note a message. Raise Violation unless it is the next one of the mailbox."""
    if chain.cursor_us is None:
        chain.next_seq = message.seq  # where the window begins
    expected = chain.next_seq
    if message.seq < expected:
        raise Violation(f"no-duplicate: {chain.reader} receives no. {message.seq} again")
    if message.seq > expected:
        raise Violation(f"cursor: {chain.reader} receives no. {message.seq} before no. {expected}")
    chain.received.append(message)
    chain.next_seq += 1
    chain.cursor_us = message.timestamp_us


def read_on(world: World, chain: Chain, number: int) -> None:
    """Poll one worker until there is nothing new. Raise Violation."""
    for _ in range(MOST_POLLS):
        page = poll(world, chain, number)
        if page is None:
            raise Violation("recovers: a poll is not answered after the heal")
        if not page:
            return
    raise Violation("available: polls return messages without end")
