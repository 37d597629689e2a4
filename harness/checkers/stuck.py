"""A consumer whose answers stay empty while others receive what it should receive too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from harness.checkers.consumers import Consumer
from harness.checkers.messages import Delivery, Message
from harness.history import Outcome, Poll

ENOUGH_ANSWERS = 3
"""Fewer empty answers in a row can be chance."""


@dataclass(frozen=True)
class Stuck:
    """A message that had reached another consumer of the mailbox, and the empty answers after that."""

    message: Message
    seen: Delivery
    answers: Sequence[Poll]


def stuck(
    consumer: Consumer,
    missing: Iterable[Message],
    others: Sequence[Consumer],
    *,
    due_ns: Callable[[Message], float],
    bound_ns: float,
) -> Stuck | None:
    """Return how a consumer is stuck, by the missing message that was due first; None if it is not stuck.

    It is stuck if, once a message was due and another consumer had it, every answer was empty, there were at
    least three of them, and the last poll began `bound_ns` later.
    """
    empty = _last_empty_answers(consumer)
    if len(empty) < ENOUGH_ANSWERS:
        return None
    found: list[tuple[float, Message, Delivery]] = []
    for message in missing:
        arrivals = [other.arrivals[message] for other in others if message in other.arrivals]
        if arrivals:
            seen = min(arrivals, key=lambda arrival: arrival.poll.end_ns)
            found.append((max(due_ns(message), seen.poll.end_ns), message, seen))
    if not found:
        return None
    since_ns, message, seen = min(found, key=lambda one: one[0])
    answers = [poll for poll in empty if poll.start_ns >= since_ns]
    if len(answers) < ENOUGH_ANSWERS or answers[-1].start_ns < since_ns + bound_ns:
        return None
    return Stuck(message, seen, answers)


def _last_empty_answers(consumer: Consumer) -> list[Poll]:
    """Return the answers after the last one that brought anything, in the order of their polls."""
    answered = (poll for poll in reversed(consumer.polls) if poll.outcome is Outcome.OK)
    return list(takewhile(lambda poll: not poll.messages, answered))[::-1]
