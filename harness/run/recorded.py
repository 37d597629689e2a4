"""What follows from a history for the rest of the scenario: what to wait for, and until when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import pairwise

from harness.history import NS_PER_S, Event, History, Outcome


@dataclass(frozen=True)
class Acked:
    """One acked message: what the server gave it, if anything, and its content."""

    id: str | None
    content: str
    timestamp: str | None = None
    seq: int | None = None


def acked_messages(history: History) -> dict[str, list[Acked]]:
    """Return the acked messages by recipient; a message that was acked several times is there once."""
    acked: dict[str, dict[str | int, Acked]] = {}
    for send in history.sends:
        if send.outcome is Outcome.OK:
            of_recipient = acked.setdefault(send.recipient, {})
            of_recipient.setdefault(
                send.id or send.op, Acked(send.id, send.content, send.timestamp, send.seq)
            )
    return {recipient: list(messages.values()) for recipient, messages in acked.items()}


def missing_of(acked: Collection[Acked], there: Iterable[frozenset[str]]) -> list[Acked]:
    """Return the acked messages that are not there; `there` are the texts in each thing that was found.

    Contents can be equal, so a message is found by its id. Without an id, or if it is kept without one, it is
    found by its content, and each of several equal messages needs its own thing.
    """
    held = list(there)
    ids = {message.id for message in acked}
    named = [(text, texts) for texts in held for text in texts if text in ids]
    known = {(id_, content) for id_, texts in named for content in texts}
    missing = [message for message in acked if (message.id, message.content) not in known]
    if not missing:
        return []
    unnamed = Counter(text for texts in held if not texts & ids for text in texts)
    return [message for message in missing if not _took(unnamed, message.content)]


def _took(counts: Counter[str], text: str) -> bool:
    """Take away one of these texts; return whether there was one."""
    counts[text] -= 1
    return counts[text] >= 0


def begun_and_answered(events: Iterable[Event], begin_ns: int) -> tuple[int, int]:
    """Count the sends and the polls that began at `begin_ns` or later and are over."""
    known = list(events)
    begun = {event["op"] for event in known if event["kind"] == "send" and event["t"] >= begin_ns}
    sends = sum(event["kind"] == "sent" and event["op"] in begun for event in known)
    polls = sum(event["kind"] == "poll" and event["start"] >= begin_ns for event in known)
    return sends, polls


def polled_since(events: Iterable[Event], reader: str, begin_ns: int) -> bool:
    """Return whether a poll of this reader that began at `begin_ns` or later is over."""
    return any(
        event["kind"] == "poll" and event["reader"] == reader and event["start"] >= begin_ns
        for event in events
    )


def given_up(history: History) -> list[str]:
    """Return what the scenario waited for and did not get, in sentences."""
    return [wait.what for wait in history.gave_up if wait.of in ("traffic", "sends")]


def quiet_after_ns(history: History) -> int:
    """Return when the last ack was, or when recovery from the last fault was due; monotonic ns."""
    recovery_ns = int(history.bounds.recovers_within_s * NS_PER_S)
    acks = [send.end_ns for send in history.sends if send.end_ns is not None]
    heals = [fault.heal_ns + recovery_ns for fault in history.faults if fault.heal_ns is not None]
    return max(acks + heals, default=0)


def overdue_after_ns(history: History) -> int:
    """Return when every consumer must have what was acked so far; monotonic ns."""
    bounds = history.bounds
    return quiet_after_ns(history) + int((bounds.delivered_within_s + bounds.poll_interval_s) * NS_PER_S)


def healed_ns(history: History) -> int:
    """Return when the last fault was seen healed, or when the scenario began; monotonic ns."""
    return max((fault.healed_ns or 0 for fault in history.faults), default=history.begin_ns)


def longest_gap_s(history: History) -> float:
    """Return the longest time in s between the end of one poll and the start of the same consumer's next one.

    The time of the answers is the server's, not the client's.
    """
    gaps = [
        later.start_ns - earlier.end_ns
        for polls in history.consumers().values()
        for earlier, later in pairwise(polls)
    ]
    return max(gaps, default=0) / NS_PER_S
