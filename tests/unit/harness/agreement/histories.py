"""Small random histories for Hypothesis: of a correct server, most of them spoiled in up to three ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from .plans import FOR_EVER_MS, ConsumerPlan, FaultPlan, Plan, SendPlan
from .simulated import play
from .sparse_servers import SPARSE_SERVERS
from .spoiled_answers import (
    SPOILED_ANSWERS,
    a_consumer_is_not_served_what_is_new,
    an_ack_is_an_error,
    an_answer_lies_about_redis,
)
from .spoiled_looks import SPOILED_LOOKS
from .spoiled_messages import SPOILED_MESSAGES
from .spoiled_outages import SPOILED_OUTAGES
from .spoiled_serving import SPOILED_SERVING
from .spoiling import Choice
from .timeline import Event

USERS = ("alice", "bob", "carol")
FAULTS = (
    "redis refused",
    "redis refused",
    "redis black-holed",
    "redis read-only",
    "redis slow",
    "mongodb black-holed",
    "server killed",
    "server worker killed",
    "clock stepping",
    "signal hang-up",
)

_fates = st.sampled_from((*["ok"] * 12, "stored, answer lost", "lost", "refused"))
_sends = st.builds(
    SendPlan,
    sender=st.sampled_from(("alice", "alice", "carol")),
    recipient=st.sampled_from(("bob", "bob", "bob", "carol")),
    after_ms=st.sampled_from((0, 30, 400, 1_990, 4_000)),
    lasts_ms=st.sampled_from((10, 10, 10, 10, 300, 300, 900, 1_000, 1_500)),
    fate=_fates,
    retry_of=st.sampled_from((0, 0, 0, 1, 2)),
    named=st.sampled_from((True, True, True, False)),
)
_consumers = st.builds(
    ConsumerPlan,
    reader=st.sampled_from(("bob", "bob", "bob", "carol")),
    begins_ms=st.sampled_from((0, 0, 250, 3_000, 8_000)),
    page=st.sampled_from((50, 50, 2, 1)),
    stops_ms=st.sampled_from((None, None, None, 1_000, 4_000)),
    starts_at_ms=st.sampled_from((None, None, None, 0, 1_500)),
)
_faults = st.builds(
    lambda name, active_ms, lasts_ms: FaultPlan(name, active_ms, active_ms + lasts_ms),
    name=st.sampled_from(FAULTS),
    active_ms=st.sampled_from((100, 1_000, 3_000)),
    lasts_ms=st.sampled_from((500, 4_000, 9_000)),
)


def _sometimes(moments_ms: Sequence[int]) -> st.SearchStrategy[list[int]]:
    return st.one_of(st.just([]), st.lists(st.sampled_from(moments_ms), min_size=1, max_size=3, unique=True))


_looks = _sometimes((1_000, 2_950, 5_550, 9_000, 12_000))
_attempts = _sometimes((1_000, 2_000, 3_500, 9_000))
plans = st.builds(
    Plan,
    sends=st.one_of(
        st.lists(_sends, min_size=4, max_size=8),
        st.lists(_sends, min_size=2, max_size=5),
        st.lists(_sends, max_size=2),
    ),
    consumers=st.one_of(
        st.lists(_consumers, min_size=1, max_size=3),
        st.lists(_consumers, max_size=2).map(lambda more: [ConsumerPlan("bob", 0), *more]),
        st.lists(_consumers, max_size=1).map(
            lambda more: [ConsumerPlan("bob", 0), ConsumerPlan("carol", 0), *more]
        ),
    ),
    faults=st.one_of(
        st.just([]),
        st.just([]),
        st.lists(_faults, max_size=2, unique_by=lambda fault: fault.name.split()[0]),
    ),
    pressure_ms=st.sampled_from((*[None] * 6, (1_000, 2_500), (500, FOR_EVER_MS))),
    looks_ms=_looks,
    attempts_ms=_attempts,
)
_plain_sends = st.builds(
    SendPlan,
    sender=st.just("alice"),
    recipient=st.sampled_from(("bob", "bob", "bob", "carol")),
    after_ms=st.sampled_from((0, 30, 400, 1_990)),
    lasts_ms=st.sampled_from((10, 300)),
    fate=_fates,
)


def _after_a_pause(least: int, most: int) -> st.SearchStrategy[list[SendPlan]]:
    """So long a pause that a server recovers in it."""
    some = st.lists(_plain_sends, min_size=least, max_size=most)
    return some.map(lambda sends: [replace(sends[0], after_ms=4_000), *sends[1:]])


def _short_fault(*active_ms: int) -> st.SearchStrategy[FaultPlan]:
    begun = st.sampled_from(active_ms)
    return st.builds(lambda name, at_ms: FaultPlan(name, at_ms, at_ms + 500), st.sampled_from(FAULTS), begun)


@st.composite
def _recoveries(draw: st.DrawFn) -> Plan:
    """One outage or two, early enough that what is sent after them tells whether the server recovered."""
    faults = [draw(_short_fault(100, 1_000))]
    sends = draw(st.lists(_plain_sends, max_size=2)) + draw(_after_a_pause(3, 5))
    if draw(st.booleans()):
        faults.append(draw(_short_fault(2_000, 5_500, 7_500)))
        sends += draw(_after_a_pause(3, 5))
    consumers = [ConsumerPlan("bob", 0), ConsumerPlan("bob", 250), *draw(st.lists(_consumers, max_size=1))]
    pressure_ms = draw(st.sampled_from((None, None, None, (3_000, 3_500), (9_000, 9_500))))
    return Plan(sends, consumers, faults, pressure_ms, looks_ms=draw(_looks), attempts_ms=draw(_attempts))


_choices = st.builds(
    Choice, which=st.integers(0, 30), part=st.integers(0, 4), far_ms=st.sampled_from((1, 1_000, 2_500, 7_000))
)
_SPOILERS = (*SPOILED_MESSAGES, *SPOILED_ANSWERS)
_RARE = (an_answer_lies_about_redis, an_ack_is_an_error, a_consumer_is_not_served_what_is_new)
_wrongs = st.lists(st.tuples(st.sampled_from((*_SPOILERS, *_RARE)), _choices), max_size=3)
_wrong_looks = st.lists(st.tuples(st.sampled_from(SPOILED_LOOKS), _choices), max_size=2)

_wrong_serving = st.one_of(
    st.just([]), st.lists(st.tuples(st.sampled_from(SPOILED_SERVING), _choices), max_size=1)
)
_wrong_outages = st.lists(st.tuples(st.sampled_from(SPOILED_OUTAGES), _choices), max_size=2)
little = st.one_of(
    *[st.just([])] * 4,
    st.lists(st.tuples(st.sampled_from(SPARSE_SERVERS), _choices), min_size=1, max_size=2),
)


_lingers_ms = st.sampled_from((2_000, 2_000, 6_000))
retained = st.sampled_from((1000, 1000, 1000, 1, 1, 2, 3))


def _mostly(usual: object, *others: object) -> st.SearchStrategy[object]:
    return st.sampled_from((*[usual] * 5 * len(others), *others))


semantics = st.fixed_dictionaries(
    {
        "cursor": _mostly("timestamp", "sequence", "id", "token", "header", "none"),
        "boundary": _mostly("exclusive", "inclusive"),
        "delivery": _mostly("exactly_once", "at_least_once"),
        "order": _mostly("total", "per_sender", "none"),
        "retention": _mostly("count", "age", "none"),
        "retained_for_s": st.sampled_from((0.5, 3.0, 3600.0)),
        "gap_signalled": _mostly(True, False),
        "retry": _mostly("idempotency_key", "none"),
        "key_holds_s": _mostly(None, 0.5, 5.0),
        "visibility_s": st.sampled_from((1.0, 4.0)),
        "promises": _mostly("all", ("no-loss", "order", "on-time")),
    }
)


def _with_semantics(events: list[Event], said: dict[str, object]) -> None:
    """Say what the answers mean, and write the cursors as numbers where they are."""
    events[0]["semantics"] = said
    for event in events if said["cursor"] in ("sequence", "none") else ():
        for key in ("since", "next_since"):
            if event["kind"] == "poll" and event.get(key):
                event[key] = _number(event[key], events) if said["cursor"] == "sequence" else None


def _number(cursor: str, events: list[Event]) -> str:
    """The highest seq at or before this timestamp."""
    acked = [event for event in events if event["kind"] == "sent" and event.get("timestamp")]
    came = [message for event in events for message in event.get("messages", ())]
    known = [one["seq"] or 0 for one in (*acked, *came) if (one["timestamp"] or "") <= cursor]
    return str(max(known, default=0))


@st.composite
def event_lists(draw: st.DrawFn) -> list[Event]:
    """The events of one history."""
    plan = draw(st.one_of(plans, plans, _recoveries()))
    rules = {"retained": draw(retained), "drops": draw(st.booleans()), "lingers_ms": draw(_lingers_ms)}
    events = play(replace(plan, **rules))
    has_faults = any(event["kind"] == "fault" for event in events)
    wrongs = (
        draw(_wrongs)
        + draw(_wrong_looks)
        + draw(_wrong_serving)
        + (draw(_wrong_outages) if has_faults else [])
        + draw(little)
    )
    for spoil, choice in wrongs:
        spoil(events, choice)
        events.sort(key=lambda event: event["t"])
    _with_semantics(events, draw(semantics))
    return events
