"""What can go wrong with outages: their begin or end is not seen, or their messages do not arrive."""

from __future__ import annotations

from .spoiling import Choice, Spoiler, acks, full, polls
from .timeline import NS_PER_MS, Event

RECOVERS_NS = 2_000 * NS_PER_MS


def _faults(events: list[Event], phase: str) -> list[Event]:
    return [event for event in events if event["kind"] == "fault" and event["phase"] == phase]


def a_fault_never_takes_effect(events: list[Event], choice: Choice) -> None:
    if active := choice.of(_faults(events, "active")):
        events.remove(active)


def a_fault_is_never_healed(events: list[Event], choice: Choice) -> None:
    """Or it was not seen."""
    if healed := choice.of(_faults(events, "healed")):
        name, since_ns = healed["name"], healed["t"]
        events.remove(healed)
        for heal in _faults(events, "heal") if choice.part % 2 else []:
            if heal["name"] == name and heal["t"] <= since_ns:
                events.remove(heal)


def a_message_of_an_outage_stays_away(events: list[Event], choice: Choice) -> None:
    """For so many polls, or for ever; one that was acked before the last heal."""
    ends = [event["t"] for event in _faults(events, "healed")]
    if ack := choice.of([ack for ack in acks(events) if ends and ack["t"] <= ends[-1]]):
        for poll in full(events):
            kept = [message for message in poll["messages"] if message["id"] != ack["id"]]
            held_back = [message for message in poll["messages"] if message["id"] == ack["id"]]
            poll["messages"] = kept
            consumer = [
                one for one in polls(events) if one["consumer"] == poll["consumer"] and "messages" in one
            ]
            later = consumer[consumer.index(poll) + 1 + choice.part :]
            if held_back and later and choice.which % 3:
                later[0]["messages"][:0] = held_back
                break


def the_first_answers_after_an_outage_are_poor(events: list[Event], choice: Choice) -> None:
    """They are slow, say that there was more, or there are none: for one reader."""
    later = _after_an_outage(events, choice)
    for poll in later[: 1 + choice.part]:
        if choice.which % 3 == 0:
            poll["t"] += choice.far_ms * NS_PER_MS
        elif choice.which % 3 == 1:
            poll["has_more"] = True
    for poll in later if choice.which % 3 == 2 else []:
        for told in ("messages", "next_since", "has_more"):
            poll.pop(told, None)
        poll |= {"outcome": "unknown", "status": None, "error": "timeout"}


def a_reader_oversleeps_after_an_outage(events: list[Event], choice: Choice) -> None:
    """The harness starts its polls too late, and what waited for the first of them waits longer."""
    late = _after_an_outage(events, choice)[1 + choice.part % 2 :]
    by_ns = choice.far_ms * NS_PER_MS
    for poll in late[:1]:
        before = [
            one
            for one in full(events)
            if one["consumer"] == poll["consumer"] and one["start"] < poll["start"]
        ]
        if before and "messages" in poll:
            poll["messages"], before[-1]["messages"] = before[-1]["messages"] + poll["messages"], []
    for place, poll in enumerate(late):
        poll["start"] += by_ns
        poll["t"] += by_ns
        poll["intended"] += by_ns if place else 0
    for event in events:
        if event["kind"] == "drained" and late:
            event["t"] = max(event["t"], late[-1]["t"] + 1)


def _after_an_outage(events: list[Event], choice: Choice) -> list[Event]:
    """The polls of one consumer from when the server must have recovered."""
    if not (healed := choice.of(_faults(events, "healed"))):
        return []
    later = [poll for poll in polls(events) if poll["start"] >= healed["t"] + RECOVERS_NS]
    first = choice.of(later[:3])
    return [poll for poll in later if first and poll["consumer"] == first["consumer"]]


SPOILED_OUTAGES: tuple[Spoiler, ...] = (
    a_message_of_an_outage_stays_away,
    a_message_of_an_outage_stays_away,
    the_first_answers_after_an_outage_are_poor,
    a_reader_oversleeps_after_an_outage,
    a_fault_never_takes_effect,
    a_fault_is_never_healed,
)
