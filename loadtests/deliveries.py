"""What happened to every message that this process sends: exact counts and times, in bounded memory.

A message is kept while its answer or its arrival is awaited; afterwards a byte says how it ended. Its content
is `load ORIGIN-NUMBER`, so whichever process receives it knows whose it is.
"""

from __future__ import annotations

import re
import secrets
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from harness.adapters import Message
from harness.client import Malformed
from harness.history import NS_PER_S, Bounds, Outcome
from loadtests.figures import Figures

_CONTENT = re.compile(r"load ([0-9a-f]{12})-([0-9]{1,18})")


def patience_ns(bounds: Bounds) -> int:
    """Return how long after its answer a message may still arrive; then no one waits for it any more."""
    return int(2 * (bounds.delivered_within_s + bounds.poll_interval_s) * NS_PER_S)


class Late(Exception):
    """A delivery that was late, or never came; Locust counts failures by their text."""


class Fate(IntEnum):
    """What is known of a message."""

    SENDING = 0
    ACKED = 1
    UNKNOWN = 2
    """Its send was not answered as the contract says: it may arrive once, or never."""
    REFUSED = 3
    ARRIVED = 4
    GIVEN_UP = 5


@dataclass(frozen=True)
class Arrival:
    """When a message was received, by a poll begun `lag_ns` later than intended by its own client.

    The reader was there since `reader_since_ns`. `error_ns` is how wrong these times may be, seen from the
    sender.
    """

    at_ns: int
    reader_since_ns: int = 0
    lag_ns: int = 0
    error_ns: int = 0


@dataclass(slots=True)
class Sent:
    """One message whose end is not known yet."""

    sender: str
    recipient: str
    due_ns: int
    ack_ns: int | None = None
    arrival: Arrival | None = None


@dataclass(frozen=True)
class Delivered:
    """The end of an acked message, `waited_ns` after its intended time; `problem` if it was late or lost."""

    waited_ns: int
    problem: Exception | None = None


class Deliveries:
    """The messages that this process sends, to users of any process."""

    def __init__(
        self,
        figures: Figures,
        bounds: Bounds,
        *,
        may_repeat: bool = False,
        excuses: Callable[[int, int], bool] = lambda start_ns, end_ns: False,
    ) -> None:
        self.figures = figures
        self._excuses = excuses
        self.origin = secrets.token_hex(6)
        self._bounds = bounds
        self._bound_ns = int(bounds.delivered_within_s * NS_PER_S)
        self._may_repeat = may_repeat
        """The target does not promise that a message is received once."""
        self._fates = bytearray()
        self._open: dict[int, Sent] = {}
        self._lost: dict[int, Sent] = {}
        self._awaited: defaultdict[str, set[int]] = defaultdict(set)
        self.last_answer_ns = 0

    def due(self, sender: str, recipient: str, due_ns: int) -> int:
        """A message is about to be sent; return its number."""
        number = len(self._fates)
        self._fates.append(Fate.SENDING)
        self._open[number] = Sent(sender, recipient, due_ns)
        self._awaited[recipient].add(number)
        return number

    def token(self, number: int) -> str:
        """Return the `client_message_id` of a message."""
        return f"{self.origin}-{number}"

    def content(self, number: int) -> str:
        """Return the text of a message."""
        return f"load {self.token(number)}"

    def answered(self, number: int, outcome: Outcome, now_ns: int) -> Delivered | None:
        """Its send was answered, or not. Return how it ended, if it has arrived already."""
        sent = self._open[number]
        self.last_answer_ns = max(self.last_answer_ns, now_ns)
        if outcome is Outcome.OK:
            self._fates[number], sent.ack_ns = Fate.ACKED, now_ns
            self.figures.counts["acked"] += 1
            return self._delivered(number, sent, sent.arrival) if sent.arrival else None
        is_refused = outcome is Outcome.REFUSED
        self.figures.counts["refused" if is_refused else "unknown"] += 1
        self._fates[number] = Fate.REFUSED if is_refused else Fate.UNKNOWN
        if sent.arrival is not None:
            self._fates[number] = Fate.ARRIVED
            self.figures.counts["phantoms"] += is_refused
        self._close(number)
        return None

    def arrived(self, message: Message, mailbox: str, arrival: Arrival) -> Delivered | None:
        """A poll of this mailbox brought a message of this process. Return how it ended, if that is known.

        Raise Malformed where no server may bring it: it was never sent like that, or has arrived before.
        """
        number = self._number(message)
        fate = Fate(self._fates[number])
        sent = self._open.get(number)
        if fate is Fate.REFUSED:
            raise self._phantom("a message that was refused")
        if fate is Fate.ARRIVED or (sent is not None and sent.arrival is not None):
            self._repeated()
            return None
        if sent is None:  # of an unknown outcome, or no longer awaited
            self._fates[number] = Fate.ARRIVED
            return self._found(self._lost.pop(number), arrival) if number in self._lost else None
        if not sent.recipient == message.recipient == mailbox:
            raise self._phantom("a message of another mailbox")
        if message.sender not in (sent.sender, ""):
            raise self._phantom("a message with another sender")
        if fate is Fate.SENDING:
            sent.arrival = arrival
            return None
        return self._delivered(number, sent, arrival)

    def awaited_by(self, recipient: str) -> bool:
        """Return whether a message to this user is being sent, or may still arrive."""
        return bool(self._awaited.get(recipient))

    def under_way(self) -> int:
        """Return how many messages are being sent or must still arrive."""
        return len(self._open)

    def overdue(self, recipient: str, polled_ns: int, now_ns: int) -> list[Delivered]:
        """Return the messages that a user's whole poll should have brought long ago: they count as lost."""
        awaited = [(number, self._open[number]) for number in self._awaited.get(recipient, ())]
        patience = patience_ns(self._bounds)
        gone = [n for n, sent in awaited if sent.ack_ns is not None and sent.ack_ns + patience <= polled_ns]
        return [self._lose(number, now_ns) for number in gone]

    def give_up(self, recipient: str, polled_ns: int, now_ns: int) -> list[Delivered]:
        """Stop waiting for messages to a user, whose last whole poll began then; return the lost ones.

        Only what was acked long enough before that poll is lost; of the rest it is not known.
        """
        ended = []
        for number in sorted(self._awaited.get(recipient, ())):
            sent = self._open[number]
            if sent.ack_ns is not None and sent.ack_ns + self._bound_ns <= polled_ns:
                ended.append(self._lose(number, now_ns))
                continue
            self.figures.counts["undecided"] += 1
            self._fates[number] = Fate.GIVEN_UP
            self._close(number)
        return ended

    def _lose(self, number: int, now_ns: int) -> Delivered:
        sent = self._lost[number] = self._open[number]
        self.figures.counts["missing"] += 1
        self._fates[number] = Fate.GIVEN_UP
        self._close(number)
        return Delivered(now_ns - sent.due_ns, Late("never delivered"))

    def _found(self, sent: Sent, arrival: Arrival) -> Delivered:
        """Count a message that arrived after all, much too late."""
        self.figures.counts["missing"] -= 1
        return self._timed(sent, arrival)

    def _number(self, message: Message) -> int:
        found = _CONTENT.fullmatch(message.content)
        number = int(found[2]) if found and found[1] == self.origin else len(self._fates)
        if number >= len(self._fates):
            raise self._phantom("a message that was never sent")
        if message.client_message_id not in (None, self.token(number)):
            raise self._phantom("a message with another client_message_id")
        return number

    def _phantom(self, said: str) -> Malformed:
        self.figures.counts["phantoms"] += 1
        return Malformed(said)

    def _repeated(self) -> None:
        if not self._may_repeat:
            self.figures.counts["duplicates"] += 1
            raise Malformed("a message for the second time")

    def _delivered(self, number: int, sent: Sent, arrival: Arrival) -> Delivered:
        self._fates[number] = Fate.ARRIVED
        self._close(number)
        return self._timed(sent, arrival)

    def _timed(self, sent: Sent, arrival: Arrival) -> Delivered:
        waited_ns = arrival.at_ns - sent.due_ns
        base_ns = max(sent.ack_ns or 0, arrival.reader_since_ns)
        since_ack_ns = max(0, arrival.at_ns - base_ns - arrival.lag_ns)
        self.figures.counts["delivered"] += 1
        self.figures.took("delivery", waited_ns)
        self.figures.took("since_ack", since_ack_ns)
        return Delivered(waited_ns, self._late(since_ack_ns, arrival))

    def _late(self, since_ack_ns: int, arrival: Arrival) -> Late | None:
        counts = self.figures.counts
        if abs(since_ack_ns - self._bound_ns) < arrival.error_ns:
            counts["undecidable"] += 1
            return None
        if since_ack_ns <= self._bound_ns:
            return None
        bounds = self._bounds
        worst_s = bounds.delivered_within_s + bounds.poll_interval_s + bounds.acceptable_round_trip_s
        is_worse = since_ack_ns > worst_s * NS_PER_S + arrival.error_ns
        if self._excuses(arrival.at_ns - since_ack_ns, arrival.at_ns):
            counts["late_excused"] += 1
            counts["much_too_late_excused"] += is_worse
            return None
        counts["late"] += 1
        counts["much_too_late"] += is_worse
        return Late(f"later than {self._bounds.delivered_within_s:g} s")

    def _close(self, number: int) -> None:
        sent = self._open.pop(number)
        self._awaited[sent.recipient].discard(number)
        if not self._awaited[sent.recipient]:
            del self._awaited[sent.recipient]


def origin_of(message: Message) -> str:
    """Return which process sent a message; '' if none did."""
    found = _CONTENT.fullmatch(message.content)
    return found[1] if found else ""
