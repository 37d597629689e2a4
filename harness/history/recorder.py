"""Writing a history: one whole line at a time, while it happens."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from harness.history.history import DEFAULT_POLICY, Bounds, History
from harness.history.operations import Event
from harness.policy import Policy


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
