"""Long histories of an honest server, written line by line: what a run of hours would have recorded.

Every round of two seconds each mailbox is sent a message and polled by two readers. Now and then Redis is
refused for a while, or the server killed, so that sends time out and are retried; the server keeps every
promise.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from harness.history import FORMAT

Event = dict[str, Any]

BEGIN_NS = 7_000_000_000_000
NS_PER_MS = 1_000_000
ROUND_MS = 2_000
MAILBOXES = 20
READERS = 2
FAULT_EVERY, FAULT_LASTS = 100, 5
"""In rounds."""
FAULTS = ("redis refused", "server killed")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def write_long_history(path: Path, events: int) -> int:
    """Write a history of at least so many events; returns how many there are."""
    written = 0
    with path.open("w", encoding="ascii") as file:
        for event in _events(events):
            file.write(json.dumps(event, separators=(",", ":")) + "\n")
            written += 1
    return written


def _events(wanted: int) -> Iterator[Event]:
    yield _event("begin", 0, format=FORMAT, title="a long run", seed=1, bounds={})
    told = number = 0
    inboxes = {f"user-{box}": _Inbox(f"user-{box}") for box in range(MAILBOXES)}
    while told < wanted:
        for event in _round(number, inboxes):
            told += 1
            yield event
        number += 1
    for inbox in inboxes.values():  # twice more, so that everything is due
        for late in range(2):
            yield from inbox.polls((number + late) * ROUND_MS + 1_800)
    yield _event("drained", (number + 2) * ROUND_MS)


def _round(number: int, inboxes: dict[str, _Inbox]) -> list[Event]:
    at_ms = number * ROUND_MS
    since_fault = number % FAULT_EVERY - (FAULT_EVERY - FAULT_LASTS - 3)
    fault = FAULTS[number // FAULT_EVERY % len(FAULTS)]
    broken = fault if 0 <= since_fault < FAULT_LASTS else ""
    events = [event for inbox in inboxes.values() for event in inbox.round(at_ms, broken)]
    phases = {0: (("inject", 100), ("active", 150)), FAULT_LASTS: (("heal", -150), ("healed", -100))}
    for phase, offset_ms in phases.get(since_fault, ()):
        events.append(_event("fault", at_ms + offset_ms, name=fault, store=fault.split()[0], phase=phase))
    return sorted(events, key=lambda event: int(event["t"]))


class _Inbox:
    """One mailbox: what is sent to it, and where its readers stand."""

    def __init__(self, reader: str) -> None:
        self.reader = reader
        self.seq = 0
        self.waiting: list[Event] = []
        self.since: str | None = None

    def round(self, at_ms: int, broken: str) -> Iterator[Event]:
        """The events of two seconds: a send in the first half, a poll of each reader near the end."""
        self.seq += 1
        start_ms = at_ms + 300
        message = self._message(start_ms)
        self.waiting.append(message)
        if broken == "server killed":
            yield from self._attempt(message, start_ms - 200, None)
        yield from self._attempt(message, start_ms, broken != "redis refused")
        yield from self.polls(at_ms + 1_800, broken)

    def polls(self, at_ms: int, broken: str = "") -> Iterator[Event]:
        """One poll of each reader, which brings what is waiting."""
        cursor = self.waiting[-1]["timestamp"] if self.waiting else self.since
        for place in range(1, READERS + 1):
            intended = BEGIN_NS + (at_ms + place) * NS_PER_MS
            yield _event(
                "poll",
                at_ms + place + 8,
                op=_op(at_ms, self.reader, place),
                consumer=f"{self.reader}#{place}",
                reader=self.reader,
                since=self.since,
                intended=intended,
                start=intended,
                outcome="ok",
                status=200,
                messages=self.waiting,
                next_since=cursor,
                has_more=False,
                gap=False,
                source="mongodb" if broken == "redis refused" else "redis",
                degraded=broken == "redis refused",
                error=None,
            )
        self.waiting, self.since = [], cursor

    def _message(self, at_ms: int) -> Event:
        name = f"{self.reader}-{self.seq:07d}"
        at = NOON + timedelta(milliseconds=at_ms)
        return {
            "id": f"66f1c0de{name}",
            "seq": self.seq,
            "sender": f"sender-{self.seq % 5}",
            "recipient": self.reader,
            "content": f"message {name}: the quick brown fox jumps over the lazy dog",
            "timestamp": at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "client_message_id": f"c-{name}",
        }

    def _attempt(self, message: Event, start_ms: int, queued: bool | None) -> Iterator[Event]:
        """A send and its answer; one whose answer never came where nobody knows whether it was queued."""
        op = _op(start_ms, self.reader, 0)
        called = {key: message[key] for key in ("sender", "recipient", "content", "client_message_id")}
        yield _event("send", start_ms, op=op, intended=BEGIN_NS + start_ms * NS_PER_MS, **called)
        if queued is None:
            yield _event("sent", start_ms + 150, op=op, outcome="unknown", status=None, error="timeout")
            return
        said = {key: message[key] for key in ("id", "seq", "timestamp")}
        said |= {"outcome": "ok", "status": 200, "queued": queued, "replayed": False, "error": None}
        yield _event("sent", start_ms + 9, op=op, **said)


def _op(at_ms: int, reader: str, place: int) -> int:
    box = int(reader.removeprefix("user-"))
    return (at_ms * MAILBOXES + box) * (READERS + 1) + place


def _event(kind: str, at_ms: int, **fields: Any) -> Event:
    return {"row": "LONG-01", "kind": kind, "t": BEGIN_NS + at_ms * NS_PER_MS, **fields}
