"""What a consumer received although it is later in the mailbox than a message that is still missing.

Three things show the order of a mailbox, and the promise `order` covers each of them: the `seq` in the acks,
the positions that cursors are compared with, and, for two messages of one sender, that one was acked before
the other was begun; only the last if the target promises only the order of each sender. If the missing
message arrives after a later one, it is out of order; if it never arrives, it is a hole.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from harness.checkers.consumers import Consumer
from harness.checkers.messages import Delivery, Matched, Message
from harness.history import Outcome


class LaterDeliveries:
    """The messages that a consumer received, in each of the orders that the mailbox shows."""

    def __init__(self, consumer: Consumer, matched: Matched) -> None:
        self._consumer = consumer
        self._positions = matched.positions
        self._semantics = matched.scale.semantics

    def first_after(self, message: Message) -> tuple[Delivery, str] | None:
        """Return the first delivery of a message later than this one, and what shows it; None without one.

        None also if this message has neither an id nor a `client_message_id`: it could be mistaken for
        another.
        """
        if not message.ids and message.client_message_id is None:
            return None
        found = self._later(message)
        known = [(delivery, how) for delivery, how in found if delivery is not None]
        return min(known, key=lambda one: one[0].place, default=None)

    def _later(self, message: Message) -> list[tuple[Delivery | None, str]]:
        if self._semantics.order == "none" or self._semantics.is_destructive:
            return []
        sent = self._by_sender.get(message.sender)
        of_sender = sent.first_above(message.ack_ns) if sent else None, "because it was begun after that ack"
        if self._semantics.order == "per_sender":
            return [of_sender]
        return [
            (self._by_seq.first_above(message.seq), "by seq"),
            (self._by_position.first_above(self._positions.get(message)), f"by {self._semantics.cursor}"),
            of_sender,
        ]

    @cached_property
    def _own(self) -> list[Delivery]:
        """The deliveries of messages that belong to this mailbox."""
        arrivals = self._consumer.arrivals.items()
        return [delivery for message, delivery in arrivals if message.recipient == self._consumer.reader]

    @cached_property
    def _by_seq(self) -> _Rising:
        return _Rising(self._own, lambda message: message.seq)

    @cached_property
    def _by_position(self) -> _Rising:
        return _Rising(self._own, self._positions.get)

    @cached_property
    def _by_sender(self) -> dict[str, _Rising]:
        """When each sender's acked messages were begun; unknown ones may have been stored at any time."""
        sent: dict[str, list[Delivery]] = {}
        for delivery in self._own:
            if delivery.message is not None and delivery.message.outcome is Outcome.OK:
                sent.setdefault(delivery.message.sender, []).append(delivery)
        return {
            sender: _Rising(some, lambda message: message.first_start_ns) for sender, some in sent.items()
        }


class _Rising:
    """The deliveries, in the order of arrival, that have a higher key than all before them."""

    def __init__(self, deliveries: Iterable[Delivery], key: Callable[[Message], Any]) -> None:
        self._keys: list[Any] = []
        self._deliveries: list[Delivery] = []
        for delivery in deliveries:
            known = key(delivery.message) if delivery.message is not None else None
            if known is not None and (not self._keys or known > self._keys[-1]):
                self._keys.append(known)
                self._deliveries.append(delivery)

    def first_above(self, key: Any) -> Delivery | None:
        """Return the first with a higher key than this; None if there is none or the key is unknown."""
        if key is None:
            return None
        place = bisect_right(self._keys, key)
        return self._deliveries[place] if place < len(self._keys) else None
