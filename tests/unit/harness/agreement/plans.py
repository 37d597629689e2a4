"""What is to happen in a simulated history. All times are milliseconds since its begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Fate = Literal["ok", "stored, answer lost", "lost", "refused"]


@dataclass(frozen=True)
class SendPlan:
    """One attempt. `retry_of` counts back to the attempt that it repeats; 0 is a new message."""

    sender: str
    recipient: str
    after_ms: int
    lasts_ms: int
    fate: Fate
    retry_of: int = 0
    named: bool = True
    """Whether the sender gives the message an id of its own."""


@dataclass(frozen=True)
class ConsumerPlan:
    """A reader that polls from `begins_ms` until it stops, or until everything has been read."""

    reader: str
    begins_ms: int
    page: int = 50
    stops_ms: int | None = None
    starts_at_ms: int | None = None
    """The point in time of the cursor that it begins with; None begins with the oldest message."""


@dataclass(frozen=True)
class FaultPlan:
    """A fault; it is injected 50 ms before it takes effect, and seen healed 50 ms after the heal."""

    name: str
    active_ms: int
    heal_ms: int


FOR_EVER_MS = 90_000
"""Longer than any history."""


@dataclass(frozen=True)
class Plan:
    """Everything that happens in one history."""

    sends: Sequence[SendPlan]
    consumers: Sequence[ConsumerPlan]
    faults: Sequence[FaultPlan] = ()
    pressure_ms: tuple[int, int] | None = None
    looks_ms: Sequence[int] = ()
    """When every reader's queue and all keys in Redis are looked at."""
    attempts_ms: Sequence[int] = ()
    """When an attacker tries what must be refused."""
    drained: bool = True
    lingers_ms: int = 2_000
    """How long readers who stay until all is read poll on after that."""
    retained: int = 1000
    """How many of a mailbox's newest messages a reader without a cursor gets; with one, if `drops`, too."""
    drops: bool = False
