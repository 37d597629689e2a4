"""Servers that tell less than the contract's: cursors that are no times, no timestamps, no numbers.

Done last: whatever is spoiled is spoiled by what an honest server would have told.
"""

from __future__ import annotations

from .spoiling import Choice, Spoiler, acks, full, polls
from .timeline import Event


def nothing_tells_the_time(events: list[Event], choice: Choice) -> None:
    """Cursors are no times, and of acks and messages the times are told by some servers alone."""
    for poll in polls(events):
        poll |= {key: f"page {poll[key]}" for key in ("since", "next_since") if poll.get(key)}
    if choice.part % 2:
        for told in (*acks(events), *(message for poll in full(events) for message in poll["messages"])):
            told["timestamp"] = None


def nothing_is_numbered(events: list[Event], choice: Choice) -> None:
    for told in (*acks(events), *(message for poll in full(events) for message in poll["messages"])):
        told["seq"] = None


TELLING_LITTLE: tuple[Spoiler, ...] = (nothing_tells_the_time, nothing_is_numbered)
