"""The terms of docs/verdicts.md, implemented as plainly as possible and without regard to speed.

Written from the promises alone, for oracles of `harness.checkers`, which it must never import.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from harness.history import NS_PER_S, History, Outcome, Poll, Received, Send
from harness.history.memoize import memoize
from harness.verdict import Verdict

Allowed = frozenset[Verdict]
"""The verdicts that a promise leaves open for one history."""

BROKEN: Allowed = frozenset({Verdict.FAIL})
KEPT: Allowed = frozenset({Verdict.PASS})
UNPROVEN: Allowed = frozenset({Verdict.INCONCLUSIVE})
NOT_BROKEN: Allowed = KEPT | UNPROVEN
CANNOT_TELL: Allowed = NOT_BROKEN | BROKEN
NOT_PROMISED: Allowed = frozenset({Verdict.SKIPPED})

Span = tuple[int, int]
"""From when until when, in ns."""

PRESSURE_LASTS_ON_NS = NS_PER_S
"""A server may need this long to work off what piled up while the machine was too busy."""


@dataclass(frozen=True)
class Message:
    """All attempts to send one message."""

    attempts: tuple[Send, ...]

    @property
    def sender(self) -> str:
        return self.attempts[0].sender

    @property
    def recipient(self) -> str:
        return self.attempts[0].recipient

    @property
    def content(self) -> str:
        return self.attempts[0].content

    @property
    def client_message_id(self) -> str | None:
        return self.attempts[0].client_message_id

    @property
    def begun_ns(self) -> int:
        return min(send.start_ns for send in self.attempts)

    @property
    def acked_ns(self) -> int | None:
        """When the first 200 had been read; None where there was none."""
        acks = [send.end_ns for send in self.attempts if send.outcome is Outcome.OK]
        return min((end for end in acks if end is not None), default=None)

    @property
    def refused(self) -> bool:
        return all(send.outcome is Outcome.REFUSED for send in self.attempts)

    @property
    def ids(self) -> set[str]:
        return {send.id for send in self.attempts if send.id is not None}

    @property
    def seqs(self) -> set[int]:
        """The numbers that acks gave it."""
        return {send.seq for send in self.attempts if send.seq is not None}


def is_promised(promise: str, history: History) -> bool:
    """Whether the server makes this promise, by name and by what its semantics say."""
    said = history.semantics
    left_out = {
        "no-duplicate": said.delivery == "at_least_once",
        "order": said.order == "none",
        "cursor": said.cursor == "none",
        "retention-told": not said.gap_signalled,
    }
    return (said.promises == "all" or promise in said.promises) and not left_out.get(promise, False)


@memoize
def messages(history: History) -> list[Message]:
    """Every message: attempts of one sender, client_message_id, recipient and content are one."""
    groups: list[list[Send]] = []
    for send in history.sends:
        home = next((group for group in groups if _same_message(group[0], send)), None)
        if home is None:
            groups.append([send])
        else:
            home.append(send)
    return [Message(tuple(group)) for group in groups]


def _same_message(one: Send, other: Send) -> bool:
    return one.client_message_id is not None and (
        (one.sender, one.client_message_id, one.recipient, one.content)
        == (other.sender, other.client_message_id, other.recipient, other.content)
    )


def moment(text: str | None) -> datetime | None:
    """A cursor or timestamp as a point in time; None where it is none."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def matches(arrival: Received, history: History) -> list[Message]:
    """What an arrival may be: by its id in an ack, else by `client_message_id`, else by content.

    All arrivals with one id are one message, so each can show which one they are.
    """
    return _matches_by_id(history)[arrival.id]


@memoize
def _matches_by_id(history: History) -> dict[str, list[Message]]:
    return {arrival.id: _matches(arrival, history) for _, arrival in arrivals(history.polls)}


def _matches(arrival: Received, history: History) -> list[Message]:
    known = messages(history)
    namesakes = [other for _, other in arrivals(history.polls) if other.id == arrival.id]
    for rule in (_id_in_an_ack, _senders_own_id, _what_it_says):
        for namesake in namesakes:
            if found := [sent for sent in known if rule(sent, namesake)]:
                return found
    return []


def _id_in_an_ack(sent: Message, arrival: Received) -> bool:
    return arrival.id in sent.ids


def _senders_own_id(sent: Message, arrival: Received) -> bool:
    return arrival.client_message_id is not None and (
        (arrival.sender, arrival.client_message_id) == (sent.sender, sent.client_message_id)
    )


def _what_it_says(sent: Message, arrival: Received) -> bool:
    return (arrival.sender, arrival.recipient, arrival.content) == (
        sent.sender,
        sent.recipient,
        sent.content,
    )


def arrivals(polls: tuple[Poll, ...]) -> list[tuple[Poll, Received]]:
    """Everything that these polls brought, in the order in which it came."""
    return [(poll, received) for poll in polls for received in poll.messages]


def first_arrivals(polls: tuple[Poll, ...]) -> list[Received]:
    """Every message id once, where it came first."""
    everything = [received for _, received in arrivals(polls)]
    ids = [received.id for received in everything]
    return [received for place, received in enumerate(everything) if ids.index(received.id) == place]


def received(polls: tuple[Poll, ...], sent: Message, history: History) -> bool:
    """Whether these polls brought this message."""
    return any(sent in matches(arrival, history) for _, arrival in arrivals(polls))


def place(cursor: str | None, history: History) -> Any:
    """Where a cursor is, if a server's cursors can be compared: a point in time or a number; else None."""
    if history.semantics.cursor == "timestamp":
        return moment(cursor)
    is_number = history.semantics.cursor == "sequence" and cursor is not None and cursor.isdecimal()
    return int(cursor or "") if is_number else None


def places(sent: Message, history: History) -> set[Any]:
    """Where the server put it, in acks and deliveries, by what cursors are compared with; at best one."""
    came = [one for _, one in arrivals(history.polls) if sent in matches(one, history)]
    return {at for one in (*sent.attempts, *came) if (at := place_of(one, history)) is not None}


def place_of(one: Send | Received, history: History) -> Any:
    """Where one ack or one arrival puts its message."""
    return place(one.timestamp if history.semantics.cursor == "timestamp" else _number(one), history)


def _number(one: Send | Received) -> str | None:
    return None if one.seq is None else str(one.seq)


def compares(history: History) -> bool:
    """Whether cursors can be compared with anything."""
    return history.semantics.cursor in ("timestamp", "sequence")


def hidden(consumer: Sequence[Poll], history: History) -> list[Span]:
    """From each poll without an answer until what it may have read must be visible again."""
    if history.semantics.cursor != "none":
        return []
    lasts_ns = round(history.semantics.visibility_s * NS_PER_S)
    return [(poll.start_ns, poll.end_ns + lasts_ns) for poll in consumer if poll.outcome is Outcome.UNKNOWN]


@memoize
def is_torn(history: History) -> bool:
    """Whether a cursor stands between two places of one message: on which side it is is unknown."""
    cursors = [place(text, history) for poll in history.polls for text in (poll.since, poll.next_since)]
    known = [at for at in cursors if at is not None]
    several = [places(sent, history) for sent in messages(history)]
    return any(min(some) <= at < max(some) for some in several if len(some) > 1 for at in known)


@memoize
def ambiguous(history: History) -> bool:
    """Whether some arrival may be more than one message, so that brute force cannot tell which."""
    return any(len(matches(arrival, history)) > 1 for _, arrival in arrivals(history.polls))


def faults(history: History) -> list[Span]:
    """From each injection until the server must have recovered; a fault of a clock excuses nothing."""
    forever = history.end_ns + 10**12
    recovers_ns = round(history.bounds.recovers_within_s * NS_PER_S)
    return [
        (fault.injected_ns, forever if fault.healed_ns is None else fault.healed_ns + recovers_ns)
        for fault in history.faults
        if fault.store not in ("clock", "signal")
    ]


def pressure_periods(history: History) -> list[Span]:
    """When the harness's own machine was too busy, or what had piled up was worked off."""
    return [
        (pressure.since_ns, pressure.until_ns + PRESSURE_LASTS_ON_NS) for pressure in history.pressure_periods
    ]


def touches_pressure(since_ns: int, until_ns: int, history: History) -> bool:
    """Whether the machine was too busy in any of this time."""
    return any(start <= until_ns and since_ns <= end for start, end in pressure_periods(history))


def hung_under_pressure(since_ns: int, until_ns: int, history: History, *, held_s: float = 0.0) -> bool:
    """Whether pressure explains that a request was not answered: it left no two seconds in a row to do so."""
    begin_ns = since_ns + round(held_s * NS_PER_S)
    free = has_quiet_period(pressure_periods(history), begin_ns, until_ns, 2 * NS_PER_S)
    return touches_pressure(since_ns, until_ns, history) and not free


def has_quiet_period(spans: list[Span], since_ns: float, until_ns: float, lasting_ns: int) -> bool:
    """Whether there was that much time in a row outside the spans, from `since_ns` or from the end of one."""
    beginnings = [since_ns, *(end for _, end in spans if end >= since_ns)]
    return any(
        begin + lasting_ns <= until_ns
        and not any(start <= begin + lasting_ns and begin < end for start, end in spans)
        for begin in beginnings
    )
