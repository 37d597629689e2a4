"""What the generator is told, and what it says, as lines of JSON."""

from __future__ import annotations

from harness.typed import Record


class Setup(Record, frozen=True):
    """The first line: the server, and who polls it."""

    kind: str
    """`contract`, `profile` or `bare`."""
    url: str
    interval_s: float
    send_every_s: float
    seed: int
    target: str = ""
    """The profile's name or path, for `profile`."""
    accounts: int = 0
    users: tuple[tuple[str, str], ...] = ()
    """Names and tokens, for `contract`."""
    cpus: tuple[int, ...] = ()
    """The processors that the generator may use; empty for all."""


class Order(Record, frozen=True):
    """Each further line: one step."""

    pollers: int
    warm_up_s: float
    measure_s: float
    drain_s: float
    """How long polls go on after the last send was answered."""
    history: str


class Report(Record, frozen=True):
    """What was done and answered in the measured part of a step."""

    polls: int
    sends: int
    acked: int
    missed: int
    failed: int
    seconds: float
    lag_p99_ms: float
    poll_p50_ms: float | None
    poll_p99_ms: float | None
    send_p99_ms: float | None
    begin_ns: int
