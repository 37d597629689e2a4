"""no-phantom: only what was sent arrives, unchanged, at its recipient alone; a refused send never arrives."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.consumers import consumers_of
from harness.checkers.findings import at, conclude, finding
from harness.checkers.messages import Delivery, Message, match
from harness.history import History
from harness.history.operations import REFUSED
from harness.verdict import Finding, Judgement

PROMISE = "no-phantom"
SHOWN_CHARACTERS = 40


def no_phantom(history: History) -> Judgement:
    """Judge the promise over one history."""
    matched = match(history)
    findings: dict[tuple[str, str, str], Finding] = {}
    consumers = consumers_of(history)
    suspects = [delivery for one in consumers if one.may_be_wrong for delivery in one.deliveries]
    for delivery in suspects:
        for kind, what in _faults(delivery):
            key = (kind, delivery.received.id, delivery.poll.reader)
            if key not in findings:
                findings[key] = _finding(history, delivery, kind, what)
    delivered = sum(len(consumer.deliveries) for consumer in consumers)
    evidence = {
        "delivered": delivered,
        "sent": len(matched.messages),
        "refused": matched.outcomes[REFUSED],
    }
    doubt = "" if delivered else "no message was delivered, so nothing could be compared with what was sent"
    return conclude(history, PROMISE, findings.values(), evidence, doubt=doubt)


def _faults(delivery: Delivery) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a delivery: kinds, each with words that explain it."""
    message, received = delivery.message, delivery.received
    if message is None:
        yield "phantom", "but it was never sent"
        return
    if message.first_start_ns > delivery.poll.end_ns:
        yield "phantom", "but it had not been sent yet"
    if message.outcome is REFUSED:
        yield (
            "refused_but_delivered",
            f"although every attempt to send it was refused (status {_statuses(message)})",
        )
    if message.content != received.content:
        yield "changed_content", f"but {message.sender} had sent {_shown(message.content)}"
    if received.sender not in (message.sender, ""):
        yield "wrong_sender", f"but {message.sender} had sent it"
    if message.recipient not in (delivery.poll.reader, received.recipient):
        yield "foreign_mailbox", f"but it had been sent to {message.recipient}"
    elif delivery.poll.reader != received.recipient:
        addressed = f"but it was addressed to {received.recipient}"
        yield "foreign_mailbox", f"{addressed}, and had been sent to {message.recipient}"


def _finding(history: History, delivery: Delivery, kind: str, what: str) -> Finding:
    received, poll = delivery.received, delivery.poll
    sentence = (
        f"{poll.consumer} received {_shown(received.content)} (id {received.id}, from "
        f"{received.sender or 'a sender who is not named'}) in "
        f"the mailbox of {poll.reader} at {at(history, poll.end_ns)}, {what}."
    )
    sends = delivery.message.events if delivery.message else ()
    return finding(PROMISE, kind, sentence, (poll.event, *sends))


def _statuses(message: Message) -> str:
    return ", ".join(str(attempt.status) for attempt in message.attempts[:5])


def _shown(content: str) -> str:
    """Return content for a sentence: one line, not too long; the events have all of it."""
    return repr(content if len(content) <= SHOWN_CHARACTERS else content[:SHOWN_CHARACTERS] + "…")
