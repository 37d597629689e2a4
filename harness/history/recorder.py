"""Writing a history while it happens, one whole line at a time."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from msgspec.structs import asdict

from harness.errors import CannotWrite
from harness.history.formats import FORMAT, Event
from harness.history.history import DEFAULT_POLICY, DEFAULT_SEMANTICS, Bounds, History, HistoryBuilder
from harness.policy import Policy
from harness.secrecy import without_secrets
from harness.semantics import Semantics

REMEDY = "--reports FOLDER puts the results elsewhere"


class Recorder:
    """Appends events to a JSON Lines file, one whole line at a time, from any thread.

    Writes the `begin` event when it is made; `client` is what the client under test promises, if there is
    one. The caller closes the file.
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
        semantics: Semantics = DEFAULT_SEMANTICS,
        client: Mapping[str, Any] | None = None,
    ) -> None:
        self._file = file
        self._row = row
        self._lock = threading.Lock()
        self._ops = 0
        self.events: list[Event] = []
        self._reading = threading.Lock()
        self._builder = HistoryBuilder()
        self._read = 0
        promised: dict[str, Any] = {
            "bounds": asdict(bounds),
            "policy": asdict(policy),
            "semantics": asdict(semantics),
        }
        if client is not None:
            promised["client"] = client
        self.record("begin", format=FORMAT, title=title, seed=seed, **promised)

    def next_op(self) -> int:
        """Return a number that no other operation of this history has."""
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
        """Return the history so far, built from the events as a reader of the file would see them.

        Only what is new since the last call is read, and not under the lock that requests need.
        """
        with self._reading:
            with self._lock:
                fresh = self.events[self._read :]
            for event in fresh:
                self._read += 1
                self._builder.add(event)
            return self._builder.history()

    def judging(self, promises: Iterable[str]) -> History:
        """Record that everything up to now is judged by these promises; return that history."""
        noted = self.record("judging", promises=list(promises))
        with self._lock:
            known = list(self.events)
        return History.from_events(known[: next(i for i, e in enumerate(known) if e is noted) + 1])


def _write(file: BinaryIO, event: Event) -> Event:
    """Write one line. Raise CannotWrite: an event that is not in the history was not recorded."""
    line = json.dumps(event, separators=(",", ":")) + "\n"  # ASCII: a lone surrogate is legal JSON
    if (hidden := without_secrets(line)) != line:
        line, event = hidden, json.loads(hidden)  # what is judged now is what can be judged again
    raw = line.encode("ascii")
    try:
        written = file.write(raw)
    except OSError as error:
        raise CannotWrite(file.name, error, remedy=REMEDY) from error
    if written < len(raw):  # an unbuffered file on a disk that has just become full
        raise CannotWrite(file.name, "No space left for a whole line", remedy=REMEDY)
    return event


class HistoryFile:
    """`history.jsonl` of a run, opened for appending; each row has a recorder that writes to it.

    Every method may raise CannotWrite.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("ab", buffering=0)  # one write a line: other processes append as well
        except OSError as error:
            raise CannotWrite(path, error, remedy=REMEDY) from error

    def recorder(
        self,
        *,
        row: str,
        title: str,
        seed: int,
        bounds: Bounds,
        policy: Policy = DEFAULT_POLICY,
        semantics: Semantics = DEFAULT_SEMANTICS,
        client: Mapping[str, Any] | None = None,
    ) -> Recorder:
        """Start the history of one row."""
        return Recorder(
            self._file,
            row=row,
            title=title,
            seed=seed,
            bounds=bounds,
            policy=policy,
            semantics=semantics,
            client=client,
        )

    def record(self, kind: str, **fields: Any) -> Event:
        """Write one event that belongs to the run, not to a row; return it."""
        self._require_in_place()
        return _write(self._file, {"row": "", "kind": kind, "t": time.monotonic_ns(), **fields})

    def _require_in_place(self) -> None:
        """Raise CannotWrite if the file was removed: writing to it would still succeed."""
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(self._file.fileno()), self._path.stat()):
                return
        raise CannotWrite(self._path, "It was removed while the run went on", remedy=REMEDY)

    def __enter__(self) -> HistoryFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._file.close()
