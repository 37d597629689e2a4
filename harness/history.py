"""The recorded history of one scenario: what clients did, what they were answered, and what was broken when.

A history is JSON Lines. Every line has `row` (the plan row it belongs to), `kind`, and `t`, a reading of the
harness's own monotonic clock in nanoseconds; nothing is ever judged by a server's clock. The kinds:

- `begin`: `title`, `seed`, `bounds` (see `Bounds`), `policy` (see `harness.policy.Policy`)
- `send`: `op`, `sender`, `recipient`, `content`, `client_message_id`, `intended` (ns)
- `sent`: `op`, `outcome`, `status`, `id`, `seq`, `timestamp`, `queued`, `replayed`, `error`, `said`
  (the `outcome` that a 503 gave)
- `poll`: `op`, `chain`, `reader`, `since`, `wait` (s, only where the poll asked to be held open), `intended`,
  `start` (ns), `outcome`, `status`, `messages`, `next_since`, `has_more`, `gap`, `source`, `degraded`,
  `error`; its `t` is when the answer had been read
- `attempt`: `op`, `who`, `what` (for people), `may` (the statuses that are right), `start` (ns), `status`,
  `told` (texts in the answer that `who` must not see), `error`; its `t` is when the answer had been read
- `fault`: `name`, `store`, and `phase`, one of `inject`, `bites`, `heal`, `healed`
- `vitals`: `values`, what the server and its stores hold on to, by name (see `harness/vitals.py`)
- `strain`: the machine was too busy to measure a server; `since` (ns) until its `t`, `waiting` (the share of
  that time in which something waited for a processor or the disk), `late_s` (how late the watch itself was)
- `canary`: `name`, `store`, `saw`, `ms`
- `queue`: a look at a queue in Redis: `key`, `type` (as Redis calls it), `length`, `ttl_ms` (-1: none)
- `keys`: a look at all keys in Redis: `count`, `eternal` (how many have no TTL), `named` (the first of those)
- `drained`: every reader has read its mailbox to the end after the last send
- `judging`: `promises`, by which all up to this event is judged
- `note`: `text`, for people

Two kinds are the whole run's, not a row's history:

- `phase`: one phase of a test ended: `rows`, `tests` (how many tests run each of them), `when` (setup, call,
  teardown), `begin` (the `t` of the `begin` of its history, if it has one), `verdict`, `reason`, `judged`
  (whether a check ended it: then its verdict is the judgements'), `ended` (whether it was the last one)
- `over`: the run came to its end: `finished` (nothing interrupted it), `missing` (rows that nothing ran)

A send is written before it leaves and again when it is answered, so that a history cut off by `kill -9` still
knows of the sends whose outcome nobody learned: they are `unknown`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from harness.operations import (
    Call,
    Event,
    Line,
    LineReader,
    Outcome,
    Poll,
    Received,
    Reply,
    Send,
    kind_of,
    line_of,
    row_of,
)
from harness.policy import Policy
from harness.uncollected import uncollected

__all__ = [
    "NS_PER_S",
    "Attempt",
    "Bounds",
    "Event",
    "FaultWindow",
    "History",
    "HistoryFile",
    "MachineStrain",
    "Outcome",
    "Poll",
    "Received",
    "Recorder",
    "Send",
    "read_histories",
    "read_lines",
]

NS_PER_S = 1_000_000_000
NO_BEGIN = "a history starts with a 'begin' event"
DEFAULT_POLICY = Policy()


@dataclass(frozen=True)
class Bounds:
    """The numbers a target promises, from its profile. Times in seconds."""

    poll_interval_s: float = 2.0
    delivered_within_s: float = 2.0
    answers_within_s: float = 1.0
    recovers_within_s: float = 2.0
    acceptable_round_trip_s: float = 0.5
    """A longer poll is the server's delay, not the arithmetic's (plan: poll acceptable at 500 ms)."""
    retained_messages: int = 1000


@dataclass(frozen=True)
class Attempt:
    """One request that must be refused, or at least tell nothing that is not for the one who made it."""

    op: int
    who: str
    what: str
    may: tuple[int, ...]
    start_ns: int
    end_ns: int
    status: int | None
    told: tuple[str, ...]
    error: str | None
    event: Event = field(repr=False)


@dataclass(frozen=True)
class FaultWindow:
    """One fault, from its injection to the canary's first answer after the heal (None: never seen)."""

    name: str
    store: str
    injected_ns: int
    bites_ns: int | None
    heal_ns: int | None
    healed_ns: int | None


@dataclass(frozen=True)
class MachineStrain:
    """A time in which the harness's own machine was too busy to measure a server."""

    since_ns: int
    until_ns: int


@dataclass(frozen=True)
class History:
    """Everything the checkers may look at. All lists are in the order of their start."""

    row: str
    title: str
    seed: int
    bounds: Bounds
    policy: Policy
    begin_ns: int
    end_ns: int
    """When the last event was written: what nobody answered by then may only have been cut off."""
    sends: tuple[Send, ...]
    polls: tuple[Poll, ...]
    attempts: tuple[Attempt, ...]
    faults: tuple[FaultWindow, ...]
    canaries: tuple[Event, ...]
    strains: tuple[MachineStrain, ...]
    vitals: tuple[Event, ...]
    looks: tuple[Event, ...]
    """What was seen in Redis: the `queue` and `keys` events."""
    drained_ns: int | None
    memo: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    """What was worked out about this history already, for `harness.checkers.once`."""

    @classmethod
    def from_events(cls, lines: Iterable[Line]) -> History:
        """Build the history of one row from its events in file order.

        Raises ValueError when the events do not begin with `begin`.
        """
        told = _Told()
        for line in lines:
            told.add(line)
        return told.history()

    def chains(self) -> dict[str, tuple[Poll, ...]]:
        """The polls of each chain, in the order in which they were made."""
        grouped: dict[str, list[Poll]] = {}
        for poll in self.polls:
            grouped.setdefault(poll.chain, []).append(poll)
        return {chain: tuple(polls) for chain, polls in grouped.items()}


class _Told:
    """What the lines of one row have told so far."""

    def __init__(self) -> None:
        self._sends: list[Call | Send] = []
        self._polls: list[Poll] = []
        self._others: dict[str, list[Event]] = {}
        self._end_ns = 0
        self._unanswered: dict[int, int] = {}

    def add(self, told: Line) -> None:
        """Take one more line, of a class of its own or not yet."""
        line = line_of(told) if isinstance(told, dict) else told
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
        """All of it, in order."""
        if not self._others:
            raise ValueError(NO_BEGIN)
        begin = self._others["begin"][0]
        drained = self._of("drained")
        return History(
            row=begin["row"],
            title=begin["title"],
            seed=begin["seed"],
            bounds=Bounds(**begin["bounds"]),
            policy=Policy(**begin.get("policy", {})),
            begin_ns=begin["t"],
            end_ns=self._end_ns,
            sends=tuple(Send.of(send, None) if isinstance(send, Call) else send for send in self._sends),
            polls=tuple(sorted(self._polls, key=attrgetter("start_ns"))),
            attempts=tuple(_attempt(event) for event in self._of("attempt")),
            faults=tuple(_faults(self._of("fault"))),
            canaries=tuple(self._of("canary")),
            strains=tuple(MachineStrain(event["since"], event["t"]) for event in self._of("strain")),
            vitals=tuple(self._of("vitals")),
            looks=tuple(self._of("queue", "keys")),
            drained_ns=drained[-1]["t"] if drained else None,
        )

    def _of(self, *kinds: str) -> list[Event]:
        found = [event for kind in kinds for event in self._others.get(kind, ())]
        return sorted(found, key=lambda event: int(event["t"])) if len(kinds) > 1 else found


def _attempt(event: Event) -> Attempt:
    return Attempt(
        op=event["op"],
        who=event["who"],
        what=event["what"],
        may=tuple(event["may"]),
        start_ns=event["start"],
        end_ns=event["t"],
        status=event.get("status"),
        told=tuple(event.get("told", ())),
        error=event.get("error"),
        event=event,
    )


def _faults(events: Iterable[Event]) -> Iterator[FaultWindow]:
    open_windows: dict[str, dict[str, int]] = {}
    stores: dict[str, str] = {}
    for event in events:
        phases = open_windows.setdefault(event["name"], {})
        if event["phase"] == "inject" and "inject" in phases:
            yield _window(event["name"], stores[event["name"]], phases)
            phases.clear()
        stores[event["name"]] = event["store"]
        phases[event["phase"]] = event["t"]
    for name, phases in open_windows.items():
        yield _window(name, stores[name], phases)


def _window(name: str, store: str, phases: Mapping[str, int]) -> FaultWindow:
    return FaultWindow(
        name, store, phases["inject"], phases.get("bites"), phases.get("heal"), phases.get("healed")
    )


class Recorder:
    """Appends events to a JSON Lines file, one whole line at a time, from any thread.

    Writes the `begin` event when made; the file stays the caller's to close.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        row: str,
        title: str,
        seed: int,
        bounds: Bounds,
        policy: Policy = DEFAULT_POLICY,
    ) -> None:
        self._file = file
        self._row = row
        self._lock = threading.Lock()
        self._ops = 0
        self.events: list[Event] = []
        self.record("begin", title=title, seed=seed, bounds=bounds.__dict__, policy=policy.__dict__)

    def next_op(self) -> int:
        """A number no other operation of this history has."""
        with self._lock:
            self._ops += 1
            return self._ops

    def record(self, kind: str, *, t: int | None = None, **fields: Any) -> Event:
        """Write one event, stamped now unless `t` (monotonic ns) is given, and return it."""
        with self._lock:
            stamp = time.monotonic_ns() if t is None else t
            event = _write(self._file, {"row": self._row, "kind": kind, "t": stamp, **fields})
            self.events.append(event)
        return event

    def history(self) -> History:
        """The history so far, built from the events as a reader of the file would see them."""
        with self._lock:
            return History.from_events(list(self.events))

    def judging(self, promises: Iterable[str]) -> History:
        """Note that what is recorded up to now is judged by these promises; return it."""
        noted = self.record("judging", promises=list(promises))
        with self._lock:
            known = list(self.events)
        return History.from_events(known[: next(i for i, e in enumerate(known) if e is noted) + 1])


def _write(file: BinaryIO, event: Event) -> Event:
    line = json.dumps(event, separators=(",", ":")) + "\n"  # ASCII: a lone surrogate is legal JSON
    file.write(line.encode("ascii"))
    return event


class HistoryFile:
    """`history.jsonl` of a run, opened for appending; one recorder a row writes to it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)  # one write a line: rows of other processes go between

    def recorder(
        self, *, row: str, title: str, seed: int, bounds: Bounds, policy: Policy = DEFAULT_POLICY
    ) -> Recorder:
        """Start the history of one row."""
        return Recorder(self._file, row=row, title=title, seed=seed, bounds=bounds, policy=policy)

    def record(self, kind: str, **fields: Any) -> Event:
        """Write one event that is the run's, not a row's; return it."""
        return _write(self._file, {"row": "", "kind": kind, "t": time.monotonic_ns(), **fields})

    def __enter__(self) -> HistoryFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._file.close()


def read_histories(path: Path) -> list[History]:
    """All histories of a file, one a row in order of appearance. Raises as `read_lines` does."""
    rows: dict[str, _Told] = {}
    with uncollected():
        for line in read_lines(path):
            if isinstance(line, dict) and line["kind"] in ("phase", "over"):
                continue
            row = row_of(line)
            if row not in rows:
                rows[row] = _Told()
            rows[row].add(line)
        return [told.history() for told in rows.values()]


def read_lines(path: Path) -> Iterator[Line]:
    """The lines of a file, one by one.

    A last line that was cut off in the middle is dropped; any other line that is not JSON raises ValueError
    with its number.
    """
    reader = LineReader()
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield reader.read(line)
            except json.JSONDecodeError as error:
                if not line.endswith(b"\n"):
                    return
                raise ValueError(f"{path}: line {number} is not JSON: {error}") from error
