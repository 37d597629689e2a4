"""A history of format 1 is judged as the same history of format 2 is; one of a later format is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.checkers import PROMISES
from harness.history import FORMAT, Event, read_histories
from harness.history.formats import upgraded

SERVERS = {promise.name: promise.checker for promise in PROMISES}
"""The checkers of what servers promise."""

OLD_KINDS = {"probe": "canary", "gave_up": "in_vain", "required": "needed", "pressure": "strain"}
OLD_KEYS = {
    "attempt": {"expected": "may", "leaked": "told"},
    "required": {"expected": "may", "tolerated": "unsuited"},
    "keys": {"without_ttl": "eternal"},
    "poll": {"consumer": "chain"},
    "sent": {"stated_outcome": "said"},
}
ROW = {"row": "ERR-02"}
BOUNDS: dict[str, Any] = {"bounds": {}, "policy": {}}
ANSWERED = {"status": 200, "outcome": "ok", "error": None}
NEW: list[Event] = [
    {"kind": "begin", "t": 0, "format": FORMAT, "title": "one of each", "seed": 1, **BOUNDS},
    {
        "kind": "required",
        "t": 2,
        "op": 1,
        "who": "a",
        "what": "sign in",
        "expected": [200],
        "tolerated": [429],
    }
    | {"start": 1, "status": 500, "error": None},
    {"kind": "attempt", "t": 4, "op": 2, "who": "a", "what": "poll", "expected": [401], "leaked": ["secret"]}
    | {"start": 3, "status": 200, "error": None},
    {"kind": "send", "t": 5, "op": 3, "sender": "a", "recipient": "b", "content": "x", "intended": 5},
    {"kind": "sent", "t": 6, "op": 3, "outcome": "refused", "status": 503, "stated_outcome": "not_stored"},
    {
        "kind": "poll",
        "t": 8,
        "op": 4,
        "consumer": "b#1",
        "reader": "b",
        "intended": 7,
        "start": 7,
        **ANSWERED,
    },
    {
        "kind": "fault",
        "t": 9,
        "name": "redis refused",
        "store": "redis",
        "effects": ["all"],
        "phase": "inject",
    },
    {
        "kind": "fault",
        "t": 10,
        "name": "redis refused",
        "store": "redis",
        "effects": ["all"],
        "phase": "active",
    },
    {"kind": "probe", "t": 11, "name": "redis refused", "store": "redis", "saw": "refused", "ms": 1},
    {"kind": "pressure", "t": 12, "since": 11, "waiting": 1.0, "late_s": 0.0},
    {"kind": "keys", "t": 13, "count": 2, "without_ttl": 1, "named": ["messages:b"]},
    {"kind": "gave_up", "t": 14, "of": "traffic", "what": "nothing came", "since": 5},
]


def old(event: Event) -> Event:
    """The event as format 1 had it."""
    keys = OLD_KEYS.get(event["kind"], {})
    before = {keys.get(key, key): value for key, value in event.items() if key != "format"}
    if before.get("phase") == "active":
        before["phase"] = "bites"
    return before | {"kind": OLD_KINDS.get(event["kind"], event["kind"])}


def write(path: Path, events: list[Event]) -> Path:
    path.write_text("".join(json.dumps(ROW | event) + "\n" for event in events), encoding="utf-8")
    return path


def test_a_history_of_format_1_is_read_and_judged_like_one_of_format_2(tmp_path: Path) -> None:
    (new,) = read_histories(write(tmp_path / "new.jsonl", NEW))
    (before,) = read_histories(write(tmp_path / "old.jsonl", list(map(old, NEW))))
    assert before == new
    assert (new.faults[0].active_ns, new.polls[0].consumer) == (10, "b#1")
    assert (new.sends[0].stated_outcome, new.attempts[0].leaked) == ("not_stored", ("secret",))
    for checker in SERVERS.values():
        assert checker(before) == checker(new)


def test_what_a_run_of_format_1_was_judged_by_has_todays_names() -> None:
    judged = upgraded({"kind": "judging", "t": 1, "promises": ["no-loss", "flat"]})
    assert judged["promises"] == ["no-loss", "no-leak"]


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    later = [NEW[0] | {"format": FORMAT + 1}]
    with pytest.raises(ValueError, match="format 3"):
        read_histories(write(tmp_path / "later.jsonl", later))
