"""What a consumer received that stands behind a message in its mailbox, so that it had to receive that first.

Three things tell the order of a mailbox, and `order` promises that each of them is right: the `seq` of the
acks, the timestamps, and, of one sender's messages, that one was acked before the other was begun. So what
comes after one of those behind it is out of order, and what never comes is a hole.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

from harness.checkers.consumers import Consumer
from harness.checkers.messages import Delivery, Message
from harness.history import Outcome
from harness.history.instants import Instant


class Later:
    """The messages that a consumer received, by what tells their order."""

    def __init__(self, consumer: Consumer, timestamps: Mapping[Message, Instant]) -> None:
        self._consumer = consumer
        self._timestamps = timestamps

    def than(self, message: Message) -> tuple[Delivery, str] | None:
        """The first delivery of a message that stands behind this one, and by what; None if there is none.

        None also where this one could be taken for another, as it has neither an id nor one of its sender's.
        """
        if not message.ids and message.client_message_id is None:
            return None
        sent = self._by_sender.get(message.sender)
        found = [
            (self._by_seq.first_above(message.seq), "by its seq"),
            (self._by_timestamp.first_above(self._timestamps.get(message)), "by its timestamp"),
            (sent.first_above(message.ack_ns) if sent else None, "as it was begun after that ack"),
        ]
        known = [(delivery, how) for delivery, how in found if delivery is not None]
        return min(known, key=lambda one: one[0].place, default=None)

    @cached_property
    def _own(self) -> list[Delivery]:
        """What arrived of this mailbox's."""
        arrivals = self._consumer.arrivals.items()
        return [delivery for message, delivery in arrivals if message.recipient == self._consumer.reader]

    @cached_property
    def _by_seq(self) -> _Rising:
        return _Rising(self._own, lambda message: message.seq)

    @cached_property
    def _by_timestamp(self) -> _Rising:
        return _Rising(self._own, self._timestamps.get)

    @cached_property
    def _by_sender(self) -> dict[str, _Rising]:
        """When each sender's acked messages were begun; an unknown one may have been stored whenever."""
        sent: dict[str, list[Delivery]] = {}
        for delivery in self._own:
            if delivery.message is not None and delivery.message.outcome is Outcome.OK:
                sent.setdefault(delivery.message.sender, []).append(delivery)
        return {
            sender: _Rising(some, lambda message: message.first_start_ns) for sender, some in sent.items()
        }


class _Rising:
    """Deliveries in the order of arrival, each with a higher key than all before it."""

    def __init__(self, deliveries: Iterable[Delivery], key: Callable[[Message], Any]) -> None:
        self._keys: list[Any] = []
        self._deliveries: list[Delivery] = []
        for delivery in deliveries:
            known = key(delivery.message) if delivery.message is not None else None
            if known is not None and (not self._keys or known > self._keys[-1]):
                self._keys.append(known)
                self._deliveries.append(delivery)

    def first_above(self, key: Any) -> Delivery | None:
        """The first with a higher key than this; None where there is none, or the key is not known."""
        if key is None:
            return None
        place = bisect_right(self._keys, key)
        return self._deliveries[place] if place < len(self._keys) else None
