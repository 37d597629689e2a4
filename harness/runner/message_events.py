"""What a history says of one message, for the report: how it was sent, what was broken, who received it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.checkers.messages import Message, match
from harness.history import Event, History, Poll
from harness.history.memoize import memoize

MOST_ATTEMPTS, MOST_POLLS, MOST_FAULTS = 4, 2, 2


@dataclass(frozen=True)
class _Index:
    messages: dict[int, Message]
    """By the operation of each attempt."""
    arrivals: dict[Message, list[Poll]]
    """The polls that returned a message, in the order in which they were asked."""
    polls: dict[str, list[Poll]]
    """By reader, in the same order."""


def message_events(history: History, op: int) -> tuple[Event, ...]:
    """Return the events of the message that this operation sent, in the order of time; () if none did.

    They are its attempts, the first polls that returned it (else the first that could have), and the begin
    and end of faults meanwhile.
    """
    index = _index(history)
    message = index.messages.get(op)
    if message is None:
        return ()
    events = [event for attempt in message.attempts[:MOST_ATTEMPTS] for event in attempt.events]
    polls = index.arrivals.get(message) or [*_missed(index, message)]
    events += [poll.event for poll in polls[:MOST_POLLS]]
    events += _faults(history, message.first_start_ns, max(int(event["t"]) for event in events))
    return tuple(sorted(events, key=lambda event: int(event["t"])))


@memoize
def _index(history: History) -> _Index:
    matched = match(history)
    arrivals: dict[Message, list[Poll]] = {}
    for of_consumer in matched.deliveries.values():
        for delivery in of_consumer:
            if delivery.message is not None:
                arrivals.setdefault(delivery.message, []).append(delivery.poll)
    for some in arrivals.values():
        some.sort(key=lambda poll: poll.start_ns)
    polls: dict[str, list[Poll]] = {}
    for poll in history.polls:
        polls.setdefault(poll.reader, []).append(poll)
    messages = {attempt.op: message for message in matched.messages for attempt in message.attempts}
    return _Index(messages, arrivals, polls)


def _missed(index: _Index, message: Message) -> Iterator[Poll]:
    """Yield the polls of the recipient that began after the message was sent, as far as is known."""
    ends = [attempt.end_ns for attempt in message.attempts if attempt.end_ns is not None]
    since_ns = message.ack_ns or max(ends, default=message.first_start_ns)
    return (poll for poll in index.polls.get(message.recipient, ()) if poll.start_ns >= since_ns)


def _faults(history: History, since_ns: int, until_ns: int) -> Iterator[Event]:
    """Yield when the faults of this time began and were seen healed, where that is within it."""
    overlapping = [
        fault
        for fault in history.faults
        if fault.injected_ns <= until_ns and (fault.healed_ns is None or fault.healed_ns >= since_ns)
    ]
    for fault in overlapping[:MOST_FAULTS]:
        for phase, at_ns in (("inject", fault.injected_ns), ("healed", fault.healed_ns)):
            if at_ns is not None and at_ns <= until_ns:
                yield {"kind": "fault", "t": at_ns, "name": fault.name, "phase": phase}
