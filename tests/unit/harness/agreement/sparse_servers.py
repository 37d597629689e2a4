"""Servers that answer with fewer fields than the contract has: opaque cursors, no timestamps, no numbers.

Done last: other spoilers use the fields that a correct server answers with.
"""

from __future__ import annotations

from .spoiling import Choice, Spoiler, acks, full, polls
from .timeline import Event


def nothing_has_a_timestamp(events: list[Event], choice: Choice) -> None:
    """Cursors are not times, and only some servers have timestamps in acks and messages."""
    for poll in polls(events):
        poll |= {key: f"page {poll[key]}" for key in ("since", "next_since") if poll.get(key)}
    if choice.part % 2:
        for told in (*acks(events), *(message for poll in full(events) for message in poll["messages"])):
            told["timestamp"] = None


def nothing_is_numbered(events: list[Event], choice: Choice) -> None:
    for told in (*acks(events), *(message for poll in full(events) for message in poll["messages"])):
        told["seq"] = None


SPARSE_SERVERS: tuple[Spoiler, ...] = (nothing_has_a_timestamp, nothing_is_numbered)
