"""Questions to a history that a scenario asks while it goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import pairwise

from harness.history import NS_PER_S, Event, History, Outcome


@dataclass(frozen=True)
class Acked:
    """One acked message: what the server called it and its time, if it told, and what it says."""

    id: str | None
    content: str
    timestamp: str | None = None


def acked_messages(history: History) -> dict[str, list[Acked]]:
    """What was acked so far, by recipient; a message that was acked several times is there once."""
    acked: dict[str, dict[str | int, Acked]] = {}
    for send in history.sends:
        if send.outcome is Outcome.OK:
            of_recipient = acked.setdefault(send.recipient, {})
            of_recipient.setdefault(send.id or send.op, Acked(send.id, send.content, send.timestamp))
    return {recipient: list(messages.values()) for recipient, messages in acked.items()}


def missing_of(acked: Collection[Acked], there: Iterable[frozenset[str]]) -> list[Acked]:
    """Those of the acked messages that are not there, where each thing is known by the texts it holds.

    Contents may be equal, so a message is known by its id; one whose id was not told, or that is kept without
    one, by its content: of several that are alike each needs a thing of its own.
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
    """Take one of these texts away, if there is one."""
    counts[text] -= 1
    return counts[text] >= 0


def begun_and_answered(events: Iterable[Event], begin_ns: int) -> tuple[int, int]:
    """How many sends and how many polls among these events began at `begin_ns` or later and were answered."""
    known = list(events)
    begun = {event["op"] for event in known if event["kind"] == "send" and event["t"] >= begin_ns}
    sends = sum(event["kind"] == "sent" and event["op"] in begun for event in known)
    polls = sum(event["kind"] == "poll" and event["start"] >= begin_ns for event in known)
    return sends, polls


def polled_since(events: Iterable[Event], reader: str, begin_ns: int) -> bool:
    """Whether a poll of this reader that began at `begin_ns` or later is among these events."""
    return any(
        event["kind"] == "poll" and event["reader"] == reader and event["start"] >= begin_ns
        for event in events
    )


def given_up(history: History) -> list[str]:
    """Return what the scenario waited for and did not get, in sentences."""
    return [wait.what for wait in history.gave_up if wait.of in ("traffic", "sends")]


def quiet_after_ns(history: History) -> int:
    """When the last ack was, or when the last fault's recovery was due; monotonic ns."""
    recovery_ns = int(history.bounds.recovers_within_s * NS_PER_S)
    acks = [send.end_ns for send in history.sends if send.end_ns is not None]
    heals = [fault.heal_ns + recovery_ns for fault in history.faults if fault.heal_ns is not None]
    return max(acks + heals, default=0)


def overdue_after_ns(history: History) -> int:
    """When what was acked so far must have reached even a consumer that has just polled; monotonic ns."""
    bounds = history.bounds
    return quiet_after_ns(history) + int((bounds.delivered_within_s + bounds.poll_interval_s) * NS_PER_S)


def healed_ns(history: History) -> int:
    """When the last fault was seen healed, or when the scenario began; monotonic ns."""
    return max((fault.healed_ns or 0 for fault in history.faults), default=history.begin_ns)


def longest_gap_s(history: History) -> float:
    """Return the longest time in s between the end of one poll and the start of the same consumer's next one.

    How long the server took to answer the one is not the client's doing.
    """
    gaps = [
        later.start_ns - earlier.end_ns
        for polls in history.consumers().values()
        for earlier, later in pairwise(polls)
    ]
    return max(gaps, default=0) / NS_PER_S
