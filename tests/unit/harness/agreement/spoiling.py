"""Spoiling a recorded history on purpose: a little, in one place that a choice of numbers selects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .timeline import Event


@dataclass(frozen=True)
class Choice:
    """Which poll, which of its messages, and how far; whatever is too large begins again at the first."""

    which: int
    part: int
    far_ms: int

    def of(self, things: list[Event]) -> Event | None:
        return things[self.which % len(things)] if things else None

    def place(self, things: list[Event]) -> int:
        return self.part % len(things)


Spoiler = Callable[[list[Event], Choice], None]
"""Changes the events of a history in place."""


def polls(events: list[Event]) -> list[Event]:
    """Every poll, in the order of the answers."""
    return [event for event in events if event["kind"] == "poll"]


def full(events: list[Event]) -> list[Event]:
    """Every poll that brought messages."""
    return [poll for poll in polls(events) if poll.get("messages")]


def acks(events: list[Event]) -> list[Event]:
    """Every answer 200 to a send."""
    return [event for event in events if event["kind"] == "sent" and event["outcome"] == "ok"]
