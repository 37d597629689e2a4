"""The history of some mailboxes, in the harness's format: of each, every send to it and every poll of it.

Which mailboxes is drawn from the seed, so that every process knows it of every user by the name alone. Lines
go to a file at once, or to the master with the next report: no process keeps the history in memory.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from harness.client import Ack, Page, Result
from harness.history.operations import LineReader, written_ns
from harness.run.exchange import poll_fields, unread
from harness.secrecy import without_secrets
from loadtests.clocks import Clock

RECORDED = "RECORDED"
"""The row of the recorded mailboxes."""
COUNTED = "COUNTED"
"""The row of all messages, which are counted."""
MOST_LINES = 400_000
"""A history of so many lines is judged within seconds, and within half a gigabyte."""
_OPS_OF_A_WORKER = 1 << 40


class Recording:
    """Writes the events of one process. Its times are turned into those of the master's clock."""

    def __init__(
        self,
        write: Callable[[bytes], Any],
        *,
        seed: int,
        share: float,
        worker: int = 0,
        clock: Clock | None = None,
    ) -> None:
        self._write, self._seed, self._share = write, seed, share
        self._clock = clock or Clock()
        self._at_master_ns = self._clock.to_master
        self._op = worker * _OPS_OF_A_WORKER

    def has(self, username: str) -> bool:
        """Return whether this user's mailbox is recorded."""
        return self._share >= 1 or Random(f"{self._seed}:recorded {key_of(username)}").random() < self._share

    def sending(
        self, sender: str, recipient: str, content: str, token: str, *, due_ns: int, now_ns: int
    ) -> int:
        """Record a send before it leaves; return its operation.

        It began no later than recorded, whatever is wrong with the clock: so no reader can have it before.
        """
        op = self._next_op()
        now_ns -= self._clock.error_ns(now_ns)
        self.record(
            "send",
            t=self._at_master_ns(now_ns),
            op=op,
            sender=sender,
            recipient=recipient,
            content=content,
            client_message_id=token,
            intended=self._at_master_ns(min(due_ns, now_ns)),
        )
        return op

    def sent(self, op: int, result: Result[Ack]) -> None:
        """Record the answer to a send."""
        ack = result.said
        self.record(
            "sent",
            t=self._at_master_ns(result.end_ns),
            op=op,
            outcome=result.outcome,
            status=result.status,
            error=result.why,
            stated_outcome=ack.stated_outcome,
            **{key: getattr(ack, key) for key in ("id", "seq", "timestamp", "queued", "replayed")},
            **unread(result),
        )

    def polled(self, reader: str, since: str | None, result: Result[Page], *, intended_ns: int) -> None:
        """Record a poll and its answer."""
        self.record(
            "poll",
            t=self._at_master_ns(result.end_ns),
            op=self._next_op(),
            consumer=reader,
            reader=reader,
            since=since,
            intended=self._at_master_ns(min(intended_ns, result.start_ns)),
            start=self._at_master_ns(result.start_ns),
            error=result.why,
            **poll_fields(result),
        )

    def pressed(self, kind: str, *, since: int, t: int, **fields: Any) -> None:
        """Record a time in which this process's machine was too busy."""
        self.record(kind, since=self._at_master_ns(since), t=self._at_master_ns(t), **fields)

    def record(self, kind: str, **fields: Any) -> None:
        """Write one event."""
        event = {"row": RECORDED, "kind": kind, **fields}
        line = json.dumps(event, separators=(",", ":"))  # ASCII: a lone surrogate is legal JSON
        self._write(without_secrets(line).encode("ascii") + b"\n")

    def _next_op(self) -> int:
        self._op += 1
        return self._op


def key_of(username: str) -> str:
    """Return the part of a name that is the same in every run with the same seed."""
    return username.rpartition("_")[2] if username.startswith("load_") else username


def merge(history: Path, parts: Iterable[Path]) -> None:
    """Merge the lines of workers into a history, in the order of their times, and remove the parts."""
    files = [history, *parts]
    if len(files) == 1:
        return
    merged = history.with_suffix(".merged")
    with merged.open("wb") as out:
        for _, line in heapq.merge(*(_lines(file) for file in files), key=lambda pair: pair[0]):
            out.write(line)
    merged.replace(history)
    for part in parts:
        part.unlink()


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    reader = LineReader()
    with file.open("rb") as lines:
        for line in lines:
            yield written_ns(reader.read(line)), line
