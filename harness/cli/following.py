"""What a run has recorded so far, read from the end of its growing history file.

Every process of the run appends to this one file, so it tells of all of them, and costs the rows nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import DecodeError, Struct
from msgspec.json import Decoder

NS_PER_S = 1_000_000_000
MOST_BYTES = 1 << 20
"""Read at once: what a look takes, about 3 ms, does not depend on how much was recorded."""


class _Message(Struct):
    id: object = None


class _Event(Struct):
    """What is read of any event; its other fields are skipped."""

    kind: str
    t: int
    row: str = ""
    name: str = ""
    phase: str = ""
    outcome: str = ""
    id: object = None
    messages: list[_Message] | None = None
    begin: int | None = None
    ended: bool = False


@dataclass
class RunningRow:
    """A row that has begun: what was sent and delivered until now, and which faults are in force."""

    id: str
    title: str
    began_ns: int
    sent: int = 0
    """Messages that were accepted."""
    slowest_s: float = 0.0
    """The longest time from an accepted send to the first poll that brought it."""
    faults: dict[str, int] = field(default_factory=dict)
    """When each fault in force was injected, in monotonic ns."""
    _accepted_ns: dict[str, int] = field(default_factory=dict)
    _arrived: set[str] = field(default_factory=set)
    _counted: set[str] = field(default_factory=set)

    @property
    def delivered(self) -> int:
        """How many of the accepted messages have arrived."""
        return self.sent - len(self._accepted_ns)

    def accepted(self, message: str, t: int) -> None:
        """Count a message whose send was answered; a retry of it is not another one."""
        if message in self._counted:
            return
        self._counted.add(message)
        self.sent += 1
        if message not in self._arrived:
            self._accepted_ns[message] = t

    def arrived(self, message: str, t: int) -> None:
        """Count a message that a poll brought, or a client showed, for the first time."""
        self._arrived.add(message)
        if (accepted_ns := self._accepted_ns.pop(message, None)) is not None:
            self.slowest_s = max(self.slowest_s, (t - accepted_ns) / NS_PER_S)


class Following:
    """Follows a history file from its beginning; `titles` are those of the rows."""

    def __init__(self, path: Path, titles: Mapping[str, str]) -> None:
        self._path = path
        self._titles = titles
        self._at = 0
        self._rest = b""
        self._decoder = Decoder(_Event)
        self._rows: dict[str, RunningRow] = {}
        self.has_services = False
        """Whether the services of at least one process run."""

    def look(self) -> list[RunningRow]:
        """Read what is new, and return the rows that have begun and not ended."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                new = file.read(MOST_BYTES)
        except OSError:  # not there yet, or no more: the run itself will say so
            new = b""
        self._at += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        for line in lines:
            self._read(line)
        return list(self._rows.values())

    def _read(self, line: bytes) -> None:
        try:
            event = self._decoder.decode(line)
        except DecodeError:
            return  # what a foreign server answered does not fit: the view lacks it, the verdict does not
        if event.kind == "begin":
            self._rows[event.row] = RunningRow(event.row, self._titles.get(event.row, ""), event.t)
        elif event.kind == "environment":
            self.has_services = True
        elif event.kind == "phase" and event.ended:
            self._rows = {id_: row for id_, row in self._rows.items() if row.began_ns != event.begin}
        elif (row := self._rows.get(event.row)) is not None:
            _take(row, event)


def _take(row: RunningRow, event: _Event) -> None:
    if event.kind == "sent" and event.outcome == "ok" and event.id is not None:
        row.accepted(str(event.id), event.t)
    elif event.kind == "poll":
        for message in event.messages or ():
            row.arrived(str(message.id), event.t)
    elif event.kind == "client_handed":
        row.arrived(str(event.id), event.t)
    elif event.kind == "fault" and event.phase == "inject":
        row.faults[event.name] = event.t
    elif event.kind == "fault" and event.phase == "healed":
        row.faults.pop(event.name, None)
