"""Messages: which sends belong to one message, its outcome, and where it arrived.

A client that retries sends one message several times. Attempts belong to one message if sender,
`client_message_id`, recipient and content are the same: an id used again with other content is another
message (which the contract refuses). An attempt without such an id is a message by itself.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from operator import attrgetter
from typing import TypeVar

from msgspec import Struct

from harness.history import Event, History, Outcome, Poll, Received, Send
from harness.history.memoize import memoize
from harness.history.operations import OK, REFUSED, UNKNOWN
from harness.history.positions import Position, Scale

K = TypeVar("K")
T = TypeVar("T")
_Triple = tuple[str, str, str]
_LIKELY = (OK, UNKNOWN, REFUSED)
"""The outcome of a message is the first of these that any of its attempts has."""


class Message(Struct, frozen=True, eq=False, gc=False):
    """One message with all attempts to send it; compared by identity, so it can be a key."""

    sender: str
    recipient: str
    content: str
    client_message_id: str | None
    attempts: tuple[Send, ...]
    outcome: Outcome
    """Ok if any attempt was, else unknown if any was, else refused."""
    ack_ns: int | None
    """The earliest end of an attempt that was answered ok."""
    first_start_ns: int

    @property
    def ids(self) -> list[str]:
        """The ids in its acks, each once."""
        return list(dict.fromkeys(attempt.id for attempt in self.attempts if attempt.id))

    @property
    def seq(self) -> int | None:
        """The number in its first ack that has one; text is not a number."""
        return next((attempt.seq for attempt in self.attempts if isinstance(attempt.seq, int)), None)

    @property
    def events(self) -> tuple[Event, ...]:
        """The raw events of its attempts."""
        return tuple(event for attempt in self.attempts for event in attempt.events)

    @property
    def name(self) -> str:
        """Its name in a sentence."""
        label = self.client_message_id or next(iter(self.ids), None)
        what = f"message '{label}'" if label else f"the message of operation {self.attempts[0].op}"
        return f"{what} from {self.sender} to {self.recipient}"


class Delivery(Struct, frozen=True, gc=False):
    """One message as one poll returned it; `message` is None if it was never sent."""

    poll: Poll
    received: Received
    message: Message | None
    place: int
    """The index of the poll among its consumer's polls."""

    @property
    def is_as_sent(self) -> bool:
        """Whether it is what had been sent by then, at its recipient, and may arrive."""
        message, received, poll = self.message, self.received, self.poll
        return (
            message is not None
            and message.content == received.content
            and received.sender in (message.sender, "")
            and message.recipient == received.recipient == poll.reader
            and message.outcome is not REFUSED
            and message.first_start_ns <= poll.end_ns
        )


@dataclass(frozen=True)
class Matched:
    """A history's messages, and every delivery of every consumer, in the order of arrival."""

    messages: tuple[Message, ...]
    deliveries: Mapping[str, tuple[Delivery, ...]]
    scale: Scale
    positions: Mapping[Message, Position]
    """Where a message is, by its first delivery or else by an ack; absent if unknown or not comparable."""
    received: AbstractSet[Message]
    """The messages that any consumer received."""
    is_one_to_one: bool
    """Whether each message has one id, and each id belongs to one message."""

    @cached_property
    def outcomes(self) -> Counter[Outcome]:
        """How many messages have each outcome."""
        return Counter(map(attrgetter("outcome"), self.messages))

    def acked(self) -> dict[str, list[Message]]:
        """Return the acked messages of each recipient, in the order of their start."""
        grouped: dict[str, list[Message]] = {}
        for message in self.messages:
            if message.outcome is OK:
                grouped.setdefault(message.recipient, []).append(message)
        return grouped


def group(sends: Iterable[Send]) -> tuple[Message, ...]:
    """Group attempts into messages, in the order in which each was first tried."""
    named: dict[str | int, list[Send]] = {}
    for send in sorted(sends, key=attrgetter("start_ns")):
        name = send.op if send.client_message_id is None else send.client_message_id
        named.setdefault(name, []).append(send)
    messages = [
        _message(attempts)
        for alike in named.values()
        for attempts in ([alike] if len(alike) == 1 else _apart(alike))
    ]
    return tuple(sorted(messages, key=attrgetter("first_start_ns")))


def _apart(alike: list[Send]) -> Iterable[list[Send]]:
    """Separate messages that have the same `client_message_id` but differ otherwise."""
    return _grouped(alike, lambda send: (send.sender, send.recipient, send.content)).values()


def _message(attempts: list[Send]) -> Message:
    first = attempts[0]
    outcome, ack_ns = _answered(first) if len(attempts) == 1 else _best(attempts)
    return Message(  # by position, as `Send.of`
        first.sender,
        first.recipient,
        first.content,
        first.client_message_id,
        tuple(attempts),
        outcome,
        ack_ns,
        first.start_ns,
    )


def _answered(attempt: Send) -> tuple[Outcome, int | None]:
    return attempt.outcome, attempt.end_ns if attempt.outcome is OK else None


def _best(attempts: list[Send]) -> tuple[Outcome, int | None]:
    """Return the outcome of several attempts together, and when the first was acked."""
    outcomes = {attempt.outcome for attempt in attempts}
    acks = [a.end_ns for a in attempts if a.outcome is OK and a.end_ns is not None]
    return next(outcome for outcome in _LIKELY if outcome in outcomes), min(acks, default=None)


@memoize
def match(history: History) -> Matched:
    """Match each delivery to a message: by id, else by `client_message_id`, else by content."""
    messages = group(history.sends)
    finder = _Finder(messages)
    deliveries: dict[str, list[Delivery]] = {}
    places: dict[str, int] = {}
    scale, consumer_of = history.scale, history.consumer_of
    position_of = scale.of_message
    positions: dict[Message, Position] = {}
    known: set[Message] = set()
    unplaced = False
    sure = {} if finder.rivals else finder.by_id
    for poll in history.polls:
        consumer = consumer_of(poll)
        places[consumer] = place = places.get(consumer, -1) + 1
        if not place:
            deliveries[consumer] = []
        if poll.outcome is not OK:
            continue
        for received in poll.messages:
            message = sure.get(received.id) or finder.find(received, poll)
            deliveries[consumer].append(Delivery(poll, received, message, place))
            if message is None:
                unplaced = True
                continue
            if message in known:
                continue
            known.add(message)
            if where := position_of(received):
                positions[message] = where
    if unplaced:
        for arrived in deliveries.values():
            arrived[:] = map(finder.reconsider, arrived)
    for message in messages:
        if message not in positions:
            acked = filter(None, map(position_of, message.attempts))
            positions.update((message, where) for where in islice(acked, 1))
    arrivals = {consumer: tuple(all_) for consumer, all_ in deliveries.items()}
    return Matched(messages, arrivals, scale, positions, known, finder.is_one_to_one)


@dataclass
class _Alike:
    """Messages that an arrival without a known id can be; such arrivals name `sender_of` a message."""

    messages: tuple[Message, ...]
    sender_of: Callable[[Message], str]

    @cached_property
    def by_client_id(self) -> dict[tuple[str, str | None], list[Message]]:
        """Messages by sender and `client_message_id`; built only if a history needs it, like those below."""
        named = (message for message in self.messages if message.client_message_id is not None)
        return _grouped(named, lambda message: (self.sender_of(message), message.client_message_id))

    @cached_property
    def by_content(self) -> dict[_Triple, list[Message]]:
        """Messages by content, sender and recipient."""
        return _grouped(self.messages, self._triple)

    @cached_property
    def unnamed(self) -> dict[_Triple, dict[Outcome, deque[Message]]]:
        """Messages whose acks have no id, oldest first; those most likely to arrive come first."""
        alike = _grouped((message for message in self.messages if not message.ids), self._triple)
        return {
            triple: {outcome: deque(m for m in messages if m.outcome is outcome) for outcome in _LIKELY}
            for triple, messages in alike.items()
        }

    def _triple(self, message: Message) -> _Triple:
        return message.content, self.sender_of(message), message.recipient


@dataclass
class _Finder:
    """Finds the message of a delivery, and remembers which id belongs to which message for every consumer."""

    messages: tuple[Message, ...]
    by_id: dict[str, Message] = field(default_factory=dict)
    rivals: dict[str, list[Message]] = field(default_factory=dict)
    """All messages that share an id."""
    taken: set[Message] = field(default_factory=set)

    def __post_init__(self) -> None:
        for message in self.messages:
            for attempt in message.attempts:
                if (id_ := attempt.id) and (first := self.by_id.setdefault(id_, message)) is not message:
                    self.rivals.setdefault(id_, [first]).append(message)

    @property
    def is_one_to_one(self) -> bool:
        """Whether, so far, each message has one id, and each id belongs to one message."""
        return not self.rivals and len(set(self.by_id.values())) == len(self.by_id)

    @cached_property
    def signed(self) -> _Alike:
        """Messages by what an arrival says that names its sender; built only if a history needs it."""
        return _Alike(self.messages, attrgetter("sender"))

    @cached_property
    def unsigned(self) -> _Alike:
        """The same, for arrivals that do not name it."""
        return _Alike(self.messages, lambda message: "")

    def _alike(self, received: Received) -> _Alike:
        return self.signed if received.sender else self.unsigned

    def find(self, received: Received, poll: Poll) -> Message | None:
        if known := self._by_id(received):
            return known
        message = self._by_client_id(received) or self._by_content(received, poll)
        if message is not None:
            self.by_id[received.id] = message
            self.taken.add(message)
        return message

    def reconsider(self, delivery: Delivery) -> Delivery:
        """Return the delivery, with its message if a later delivery of the same id has shown it."""
        if delivery.message is not None or not (known := self._by_id(delivery.received)):
            return delivery
        return Delivery(delivery.poll, delivery.received, known, delivery.place)

    def _by_id(self, received: Received) -> Message | None:
        if rivals := self.rivals.get(received.id):
            return _same_content(rivals, received)
        return self.by_id.get(received.id)

    def _by_client_id(self, received: Received) -> Message | None:
        if received.client_message_id is None:
            return None
        by_client_id = self._alike(received).by_client_id
        known = by_client_id.get((received.sender, received.client_message_id))
        return _same_content(known, received) if known else None

    def _by_content(self, received: Received, poll: Poll) -> Message | None:
        triple, alike = (received.content, received.sender, received.recipient), self._alike(received)
        for waiting in alike.unnamed.get(triple, {}).values():
            while waiting and waiting[0] in self.taken:
                waiting.popleft()
            if waiting and waiting[0].first_start_ns <= poll.end_ns:
                return waiting.popleft()
        return next(iter(alike.by_content.get(triple, ())), None)


def _grouped(some: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    groups: dict[K, list[T]] = {}
    for each in some:
        groups.setdefault(key(each), []).append(each)
    return groups


def _same_content(candidates: list[Message], received: Received) -> Message:
    for message in candidates:
        if message.content == received.content:
            return message
    return candidates[0]
