"""What became of each message, for pictures: nothing here decides a verdict.

A message is lost, late or doubled only where the promise that says so failed. Whether one that arrived after
two seconds is late is a question of the polling interval as well (`harness.arithmetic`), and one that no
reader has asked for is not lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from msgspec import Struct

from harness.checkers.messages import Message, match
from harness.checkers.timeliness import deliveries
from harness.history import NS_PER_S, History, Outcome
from harness.verdict import Judgement, Verdict


class Fate(StrEnum):
    """What became of a message; its value is the letter that stands for it in `results.json`."""

    DELIVERED = "d"
    UNREAD = "n"
    """Accepted, and no reader has asked for it."""
    LATE = "l"
    LOST = "x"
    DOUBLED = "2"
    REFUSED = "r"
    UNKNOWN = "u"
    """The answer to its send does not say whether it was stored, and it did not arrive."""
    RECOVERED = "c"
    """The same, and it arrived."""


class Fated(Struct, frozen=True):
    """A message's fate, when it was sent and first arrived, in ns; None if it did not arrive.

    `op` is the operation of its first attempt.
    """

    fate: Fate
    op: int
    sent_ns: int
    arrived_ns: int | None


def fates(history: History, judgements: Iterable[Judgement]) -> Iterator[Fated]:
    """Yield the fate of each message, in the order in which they were sent."""
    judged = list(judgements)
    failed = {judgement.promise for judgement in judged if judgement.verdict is Verdict.FAIL}
    matched = match(history)
    arrived_ns = _arrivals(history)
    missing, late = _overdue(history) if failed & {"no-loss", "on-time", "recovers"} else (set(), set())
    lost, doubled = _ops(judged, "no-loss"), _ops(judged, "no-duplicate")
    for message in matched.messages:
        ops = {send.op for send in message.attempts}
        fate = _fate(message, message in matched.received)
        if fate in (Fate.UNREAD, Fate.DELIVERED) and (
            ops & lost or ("no-loss" in failed and message in missing)
        ):
            fate = Fate.LOST
        elif fate is Fate.DELIVERED and ops & doubled:
            fate = Fate.DOUBLED
        elif message in late and failed & {"on-time", "recovers"}:
            fate = Fate.LATE
        yield Fated(fate, message.attempts[0].op, message.first_start_ns, arrived_ns.get(message))


def _fate(message: Message, is_received: bool) -> Fate:
    if message.outcome is Outcome.OK:
        return Fate.DELIVERED if is_received else Fate.UNREAD
    if is_received:
        return Fate.RECOVERED
    return Fate.REFUSED if message.outcome is Outcome.REFUSED else Fate.UNKNOWN


def _arrivals(history: History) -> dict[Message, int]:
    """Return when each message was first received, by any reader."""
    first: dict[Message, int] = {}
    for of_consumer in match(history).deliveries.values():
        for delivery in of_consumer:
            if delivery.message is not None:
                known = first.setdefault(delivery.message, delivery.poll.end_ns)
                first[delivery.message] = min(known, delivery.poll.end_ns)
    return first


def _overdue(history: History) -> tuple[set[Message], set[Message]]:
    """Return the messages that a reader should have received and did not, and those that were late."""
    found = deliveries(history)
    bound_ns = history.bounds.delivered_within_s * NS_PER_S
    missing = {it.message for it in found.judged if it.place is None}
    return missing, {it.message for it in found.judged if it.place is not None and it.delay_ns > bound_ns}


def _ops(judgements: Sequence[Judgement], promise: str) -> set[int]:
    """Return the operations that the findings of a promise show."""
    return {
        event["op"]
        for judgement in judgements
        if judgement.promise == promise
        for finding in judgement.findings
        for event in finding.events
        if "op" in event
    }
