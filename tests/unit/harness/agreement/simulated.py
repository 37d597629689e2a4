"""A simulated correct server with its clients: a plan of sends, consumers and faults becomes events.

All times are milliseconds since the history's begin. What the server does is decided at one moment inside
each request: a send is stored, a poll reads what is stored by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.history import FORMAT

from .plans import FOR_EVER_MS, ConsumerPlan, Fate, Plan, SendPlan
from .surroundings import surroundings
from .timeline import Event, event, last_ms, ns, stamp

POLL_MS = 10


@dataclass(frozen=True)
class _Stored:
    message: dict[str, Any]
    stored_ms: int


@dataclass
class _Attempt:
    op: int
    plan: SendPlan
    start_ms: int
    content: str
    client_message_id: str | None

    @property
    def stored_ms(self) -> int:
        return self.start_ms + self.plan.lasts_ms // 2


def play(plan: Plan) -> list[Event]:
    """The history's events, in the order of their times."""
    attempts = _attempts(plan.sends)
    stored: list[_Stored] = []
    events = [one for attempt in sorted(attempts, key=_moment) for one in _send(attempt, stored, plan)]
    quiet_ms = _quiet_ms(events, plan)
    for number, consumer in enumerate(plan.consumers, start=1):
        events += _consumer(number, consumer, stored, plan, quiet_ms)
    events += surroundings(
        plan, lambda reader, at_ms: min(plan.retained, len(_mailbox(reader, at_ms, stored)))
    )
    if plan.drained:
        events.append(event("drained", last_ms(events, default=0) + 10))
    rules = {"bounds": {"retained_messages": plan.retained}, "policy": {"older_cursors": _policy(plan)}}
    begin = event("begin", 0, format=FORMAT, title="a simulation", seed=1, **rules)
    return [begin, *sorted(events, key=lambda one: one["t"])]


def _policy(plan: Plan) -> str:
    return "gap" if plan.drops else "served"


def _moment(attempt: _Attempt) -> int:
    return attempt.stored_ms


def _attempts(plans: Sequence[SendPlan]) -> list[_Attempt]:
    attempts: list[_Attempt] = []
    at_ms = 500
    for op, plan in enumerate(plans, start=1):
        at_ms += plan.after_ms
        name, named = f"m{op}", plan.named
        if 0 < plan.retry_of <= len(attempts) and attempts[-plan.retry_of].client_message_id:
            first = attempts[-plan.retry_of]
            again = SendPlan(first.plan.sender, first.plan.recipient, 0, plan.lasts_ms, plan.fate)
            attempts.append(_Attempt(op, again, at_ms, first.content, first.client_message_id))
        else:
            attempts.append(_Attempt(op, plan, at_ms, f"content {name}", name if named else None))
    return attempts


def _send(attempt: _Attempt, stored: list[_Stored], plan: Plan) -> list[Event]:
    fate, status = _fate(attempt, plan)
    call = event(
        "send",
        attempt.start_ms,
        op=attempt.op,
        sender=attempt.plan.sender,
        recipient=attempt.plan.recipient,
        content=attempt.content,
        client_message_id=attempt.client_message_id,
        intended=ns(attempt.start_ms),
    )
    message, replayed = _store(attempt, stored) if fate in ("ok", "stored, answer lost") else ({}, False)
    said: dict[str, Any] = {"op": attempt.op, "outcome": "unknown", "status": status, "error": "timeout"}
    if fate == "refused":
        said["outcome"] = "refused"
    if fate == "ok":
        queued = not _bites("redis", attempt.stored_ms, plan)
        said |= {key: message[key] for key in ("id", "seq", "timestamp")}
        said |= {"outcome": "ok", "status": 200, "queued": queued, "replayed": replayed}
    return [call, event("sent", attempt.start_ms + attempt.plan.lasts_ms, **said)]


def _fate(attempt: _Attempt, plan: Plan) -> tuple[Fate, int | None]:
    """What becomes of an attempt: as planned, unless a fault decides; with the status of what is not ok."""
    fate = attempt.plan.fate
    if _bites("mongodb", attempt.stored_ms, plan):
        return ("refused" if fate == "refused" else "lost"), 503
    if _bites("server", attempt.stored_ms, plan):
        return ("lost" if fate in ("refused", "lost") else "stored, answer lost"), None
    return fate, 413 if fate == "refused" else None


def _store(attempt: _Attempt, stored: list[_Stored]) -> tuple[dict[str, Any], bool]:
    """Store a message behind the mailbox's last one, with a later timestamp, or find it stored already."""
    for known in stored:
        named = attempt.client_message_id is not None
        if named and known.message["client_message_id"] == attempt.client_message_id:
            return known.message, True
    message = {
        "id": f"id-{attempt.op}",
        "seq": len(stored) + 1,
        "sender": attempt.plan.sender,
        "recipient": attempt.plan.recipient,
        "content": attempt.content,
        "timestamp": stamp(attempt.stored_ms + (len(stored) + 1) / 1000),
        "client_message_id": attempt.client_message_id,
    }
    stored.append(_Stored(message, attempt.stored_ms))
    return message, False


def _bites(store: str, at_ms: int, plan: Plan) -> bool:
    return any(
        fault.name.split()[0] == store and fault.active_ms <= at_ms <= fault.heal_ms for fault in plan.faults
    )


def _quiet_ms(events: list[Event], plan: Plan) -> int:
    """From when on every message is due: 2 s after the last send, and the last fault window.

    A machine that stays too busy to the end does not explain what a consumer still misses after some 20 s.
    """
    begun_ms = last_ms(events, default=500)
    if plan.pressure_ms and plan.pressure_ms[1] >= FOR_EVER_MS:
        return begun_ms + 19_000
    over = [fault.heal_ms + 2_050 for fault in plan.faults]
    under_pressure = [plan.pressure_ms[1] + 1_000] if plan.pressure_ms else []
    return max(begun_ms, *over, *under_pressure, 0) + 2_100


def _consumer(
    number: int, plan: ConsumerPlan, stored: list[_Stored], whole: Plan, quiet_ms: int
) -> list[Event]:
    since = None if plan.starts_at_ms is None else stamp(plan.starts_at_ms)
    at_ms, events, more = plan.begins_ms, list[Event](), True
    stops_ms = quiet_ms + whole.lingers_ms if plan.stops_ms is None else plan.stops_ms
    while at_ms <= stops_ms or (more and plan.stops_ms is None):
        poll = _poll(number, plan, at_ms, since, stored, whole)
        events.append(poll)
        since, more = poll.get("next_since", since), poll.get("has_more", False)
        at_ms += POLL_MS + 10 if more else 1_990
    return events


def _poll(
    number: int, plan: ConsumerPlan, at_ms: int, since: str | None, stored: list[_Stored], whole: Plan
) -> Event:
    call = {
        "op": number * 1_000_000 + at_ms,
        "consumer": f"{plan.reader}#{number}",
        "reader": plan.reader,
        "since": since,
        "intended": ns(at_ms),
        "start": ns(at_ms),
    }
    if (failed := [store for store in ("mongodb", "server") if _bites(store, at_ms, whole)]) != []:
        said: dict[str, Any] = {"outcome": "unknown", "status": 503 if failed == ["mongodb"] else None}
        said["error"] = "timeout"
        return event("poll", at_ms + POLL_MS, **call, **said)
    behind = [one for one in _mailbox(plan.reader, at_ms, stored) if one["timestamp"] > (since or "")]
    new = behind[-whole.retained :] if since is None or whole.drops else behind
    page = new[: plan.page]
    away = _bites("redis", at_ms, whole)
    return event(
        "poll",
        at_ms + POLL_MS,
        **call,
        outcome="ok",
        status=200,
        messages=[dict(message) for message in page],
        next_since=page[-1]["timestamp"] if page else since,
        has_more=len(new) > len(page),
        gap=len(new) < len(behind),
        source="mongodb" if away else "redis",
        degraded=away,
    )


def _mailbox(reader: str, at_ms: int, stored: list[_Stored]) -> list[dict[str, Any]]:
    """The messages that a reader has by then."""
    return [
        known.message for known in stored if known.stored_ms <= at_ms and known.message["recipient"] == reader
    ]
