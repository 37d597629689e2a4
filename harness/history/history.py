"""A history, built from its lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from harness.history.client_events import (
    ClientBounds,
    ClientRequest,
    ClientTold,
    Handed,
    client_bounds,
    client_request,
    client_told,
    handed,
)
from harness.history.effects import Effects, effects_of
from harness.history.formats import Event
from harness.history.operations import (
    Call,
    Line,
    Poll,
    Reply,
    Send,
    kind_of,
    line_of,
)
from harness.history.positions import Scale
from harness.policy import Policy
from harness.semantics import Semantics
from harness.typed import Count, Record, Seconds, typed

NS_PER_S = 1_000_000_000
WATCH_PERIOD_S = 0.25
"""How often the harness measures resource pressure; it is recorded one period late."""
NO_BEGIN = "a history starts with a 'begin' event"
DEFAULT_POLICY = Policy()
DEFAULT_SEMANTICS = Semantics()


class Bounds(Record, frozen=True):
    """The numbers a target promises, from its profile. Times in seconds."""

    poll_interval_s: Seconds = 2.0
    delivered_within_s: Seconds = 2.0
    answers_within_s: Seconds = 1.0
    recovers_within_s: Seconds = 2.0
    acceptable_round_trip_s: Seconds = 0.5
    """What a poll takes beyond this is the server's delay (plan: poll acceptable at 500 ms)."""
    retained_messages: Count = 1000


@dataclass(frozen=True)
class Attempt:
    """One request for which the scenario itself states the right answers.

    Either it must be refused, or at least leak nothing of others; or it is a registration or a sign-in,
    without which the scenario cannot go on.
    """

    who: str
    what: str
    expected: tuple[int, ...]
    start_ns: int
    end_ns: int
    status: int | None
    leaked: tuple[str, ...]
    """What the answer contained and must not."""
    tolerated: tuple[int, ...]
    """Statuses that may be due to the harness: other rules for names, a limit on users."""
    error: str | None
    event: Event = field(repr=False)
    unreadable: str | None = None
    """See `Unreadable`."""


@dataclass(frozen=True)
class GaveUp:
    """A wait for something that did not happen; `of` is its kind."""

    of: str
    what: str
    since_ns: int
    until_ns: int
    event: Event = field(repr=False)


@dataclass(frozen=True)
class FaultWindow:
    """One fault, from its injection until it was seen healed (None: never seen)."""

    name: str
    store: str
    injected_ns: int
    active_ns: int | None
    heal_ns: int | None
    healed_ns: int | None
    effects: Effects
    """What it does to its store; empty if unknown."""


@dataclass(frozen=True)
class ResourcePressure:
    """A time in which the harness's own machine was too busy to measure a server."""

    since_ns: int
    until_ns: int


@dataclass(frozen=True)
class History:
    """Everything that checkers use. All tuples are in the order of their start."""

    bounds: Bounds
    policy: Policy
    begin_ns: int
    end_ns: int
    """When the last event was written: what was not answered by then may only have been cut off."""
    sends: tuple[Send, ...]
    polls: tuple[Poll, ...]
    attempts: tuple[Attempt, ...]
    faults: tuple[FaultWindow, ...]
    pressure_periods: tuple[ResourcePressure, ...]
    vitals: tuple[Event, ...]
    looks: tuple[Event, ...]
    """What was seen in Redis: the `queue` and `keys` events."""
    drained_ns: int | None
    required: tuple[Attempt, ...] = ()
    gave_up: tuple[GaveUp, ...] = ()
    semantics: Semantics = DEFAULT_SEMANTICS
    client: ClientBounds | None = None
    """What the client under test promises; None where a server is judged."""
    requests: tuple[ClientRequest, ...] = ()
    handed: tuple[Handed, ...] = ()
    told: tuple[ClientTold, ...] = ()
    unread: frozenset[int] = frozenset()
    """Operations whose answers prove nothing: the profile may not fit (`harness.checkers.unreadable`)."""
    memo: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    """Results of functions of this history, for `harness.history.memoize`."""

    @classmethod
    def from_events(cls, lines: Iterable[Line]) -> History:
        """Build the history of one row from its events in file order.

        Raise ValueError if the events do not begin with `begin`.
        """
        builder = HistoryBuilder()
        for line in lines:
            builder.add(line)
        return builder.history()

    def consumers(self) -> dict[str, tuple[Poll, ...]]:
        """Return the polls of each consumer, in the order in which they were made."""
        grouped: dict[str, list[Poll]] = {}
        consumer_of = self.consumer_of
        for poll in self.polls:
            grouped.setdefault(consumer_of(poll), []).append(poll)
        return {consumer: tuple(polls) for consumer, polls in grouped.items()}

    @property
    def consumer_of(self) -> Callable[[Poll], str]:
        """Return the consumer of a poll: where reading is destructive, all of a mailbox are one."""
        return attrgetter("reader" if self.semantics.is_destructive else "consumer")

    @property
    def scale(self) -> Scale:
        """How cursors and messages are compared."""
        return Scale(self.semantics)


class HistoryBuilder:
    """Builds a history from the lines of one row."""

    def __init__(self) -> None:
        self._sends: list[Call | Send] = []
        self._polls: list[Poll] = []
        self._others: dict[str, list[Event]] = {}
        self._end_ns = 0
        self._unanswered: dict[int, int] = {}

    def add(self, line: Line) -> None:
        """Add one more line, as an object of its class or as a JSON object."""
        if isinstance(line, dict):
            line = line_of(line)
        if not self._others and kind_of(line) != "begin":
            raise ValueError(NO_BEGIN)
        if isinstance(line, Poll):
            self._polls.append(line)
            at_ns = line.end_ns
        elif isinstance(line, Call):
            self._unanswered[line.op] = len(self._sends)
            self._sends.append(line)
            at_ns = line.start_ns
        elif isinstance(line, Reply):
            self._answer(line)
            at_ns = line.end_ns
        else:
            self._others.setdefault(line["kind"], []).append(line)
            at_ns = line["t"]
        if at_ns > self._end_ns:
            self._end_ns = at_ns

    def _answer(self, reply: Reply) -> None:
        place = self._unanswered.pop(reply.op, None)
        if place is not None and isinstance(call := self._sends[place], Call):
            self._sends[place] = Send.of(call, reply)

    def history(self) -> History:
        """Return the history of all lines so far. Raise ValueError without any."""
        if not self._others:
            raise ValueError(NO_BEGIN)
        begin = self._others["begin"][0]
        drained = self._of("drained")
        return History(
            bounds=Bounds(**begin["bounds"]),
            policy=Policy(**begin.get("policy", {})),
            semantics=typed(begin.get("semantics", {}), Semantics),
            begin_ns=begin["t"],
            end_ns=self._end_ns,
            sends=tuple(Send.of(send, None) if isinstance(send, Call) else send for send in self._sends),
            polls=tuple(sorted(self._polls, key=attrgetter("start_ns"))),
            attempts=tuple(map(_attempt, self._of("attempt"))),
            faults=tuple(_faults(self._of("fault"))),
            pressure_periods=tuple(
                ResourcePressure(event["since"], event["t"]) for event in self._of("pressure")
            ),
            vitals=tuple(self._of("vitals")),
            looks=tuple(self._of("queue", "keys")),
            drained_ns=drained[-1]["t"] if drained else None,
            required=tuple(map(_attempt, self._of("required"))),
            gave_up=tuple(map(_gave_up, self._of("gave_up"))),
            client=client_bounds(begin["client"]) if begin.get("client") else None,
            requests=tuple(
                sorted(map(client_request, self._of("client_request")), key=attrgetter("start_ns"))
            ),
            handed=tuple(map(handed, self._of("client_handed"))),
            told=tuple(map(client_told, self._of("client_told"))),
        )

    def _of(self, *kinds: str) -> list[Event]:
        found = [event for kind in kinds for event in self._others.get(kind, ())]
        return sorted(found, key=lambda event: int(event["t"])) if len(kinds) > 1 else found


def _attempt(event: Event) -> Attempt:
    return Attempt(
        who=event["who"],
        what=event["what"],
        expected=tuple(event["expected"]),
        start_ns=event["start"],
        end_ns=event["t"],
        status=event.get("status"),
        leaked=tuple(event.get("leaked", ())),
        tolerated=tuple(event.get("tolerated", ())),
        error=event.get("error"),
        event=event,
        unreadable=event.get("unreadable"),
    )


def _gave_up(event: Event) -> GaveUp:
    return GaveUp(event["of"], event["what"], event["since"], event["t"], event)


def _faults(events: Iterable[Event]) -> Iterator[FaultWindow]:
    open_windows: dict[str, dict[str, Event]] = {}
    for event in events:
        phases = open_windows.setdefault(event["name"], {})
        if event["phase"] == "inject" and "inject" in phases:
            yield _window(phases)
            phases.clear()
        phases[event["phase"]] = event
    for phases in open_windows.values():
        yield _window(phases)


def _window(phases: Mapping[str, Event]) -> FaultWindow:
    inject = phases["inject"]
    active, heal, healed = (phases[it]["t"] if it in phases else None for it in ("active", "heal", "healed"))
    effects = effects_of(inject["name"], inject.get("effects"))
    return FaultWindow(inject["name"], inject["store"], inject["t"], active, heal, healed, effects)
