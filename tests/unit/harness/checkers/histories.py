"""Literal histories for the checkers' tests: times in seconds since the begin, everything else spelt out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.history import FORMAT, NS_PER_S, Event, History

BEGIN_NS = 7_000_000_000_000
OUTCOMES = {None: "unknown", 200: "ok", 500: "unknown", 503: "unknown"}


def ns(seconds: float) -> int:
    return BEGIN_NS + round(seconds * NS_PER_S)


def stamp(second: float) -> str:
    """The server's timestamp of a message stored at this second."""
    return f"2026-01-01T12:{int(second // 60):02d}:{second % 60:09.6f}Z"


def message(name: str, second: float, **changes: Any) -> dict[str, Any]:
    """A message as a poll returns it: id `id-a` and client_message_id `a` for the one called `a`."""
    return {
        "id": f"id-{name}",
        "seq": None,
        "sender": "alice",
        "recipient": "bob",
        "content": f"content {name}",
        "timestamp": stamp(second),
        "client_message_id": name,
    } | changes


class Story:
    """Builds a history event by event; a consumer uses its cursor by itself, unless given another."""

    def __init__(
        self,
        *,
        policy: dict[str, Any] | None = None,
        semantics: dict[str, Any] | None = None,
        **bounds: float,
    ) -> None:
        self.events: list[Event] = []
        self._cursors: dict[str, str | None] = {}
        self._ops = 0
        said = {"bounds": bounds, "policy": policy or {}, "semantics": semantics or {}}
        self._add("begin", 0.0, format=FORMAT, title="a story", seed=1, **said)

    def send(
        self, name: str, start: float, end: float | None = None, status: int | None = 200, **changes: Any
    ) -> Story:
        """One attempt to send the message called `name`, acked 10 ms later by default."""
        end = start + 0.01 if end is None else end
        op = self._op()
        call = _call(name)
        call |= {key: changes.pop(key) for key in list(changes) if key in call or key == "special"}
        self._add("send", start, op=op, intended=ns(changes.pop("intended", start)), **call)
        said: dict[str, Any] = {"outcome": _outcome(status), "status": status}
        if status == 200:
            said |= {"id": f"id-{name}", "timestamp": stamp(start), "queued": True, "replayed": False}
        self._add("sent", end, op=op, **(said | changes))
        return self

    def begun(self, name: str, start: float) -> Story:
        """A send whose answer was never recorded."""
        self._add("send", start, op=self._op(), intended=ns(start), **_call(name))
        return self

    def poll(
        self,
        start: float,
        *messages: dict[str, Any],
        end: float | None = None,
        consumer: str = "bob#1",
        status: int | None = 200,
        **changes: Any,
    ) -> Story:
        """One poll of 10 ms; the consumer is called after its reader."""
        end = start + 0.01 if end is None else end
        since = changes.pop("since", self._cursors.get(consumer))
        said: dict[str, Any] = {"outcome": _outcome(status), "status": status}
        if status == 200:
            cursor = messages[-1]["timestamp"] if messages else since
            cursor = changes.pop("next_since", cursor)
            self._cursors[consumer] = cursor
            said |= {"messages": list(messages), "next_since": cursor, "has_more": False}
        said |= {"reader": consumer.split("#")[0], "intended": ns(changes.pop("intended", start))}
        self._add(
            "poll", end, op=self._op(), consumer=consumer, since=since, start=ns(start), **(said | changes)
        )
        return self

    def attempt(
        self, start: float, status: int | None, *, may: Sequence[int] = (401,), **changes: Any
    ) -> Story:
        """One request of Mallory's that must be refused, answered after 10 ms."""
        said = {"who": "mallory", "what": "poll", "leaked": [], "error": None if status else "timeout"}
        said |= {"status": status, "expected": list(may)}
        self._add("attempt", start + 0.01, op=self._op(), start=ns(start), **(said | changes))
        return self

    def required(
        self, start: float, status: int | None, *, end: float | None = None, **changes: Any
    ) -> Story:
        """One sign-in without which the scenario cannot go on, answered after 10 ms."""
        said = {"who": "alice", "what": "sign in", "expected": [200], "tolerated": [429], "status": status}
        said["error"] = None if status else "timeout"
        self._add(
            "required",
            start + 0.01 if end is None else end,
            op=self._op(),
            start=ns(start),
            **(said | changes),
        )
        return self

    def gave_up(self, of: str, since: float, until: float) -> Story:
        """The end of a wait that gave up."""
        self._add("gave_up", until, of=of, what="Waited in vain.", since=ns(since))
        return self

    def fault(
        self, name: str, *, active: float | None, inject: float, heal: float | None, healed: float | None
    ) -> Story:
        """One fault's whole window; None for a phase that never came."""
        phases = {"inject": inject, "active": active, "heal": heal, "healed": healed}
        for phase, at in phases.items():
            if at is not None:
                self._add("fault", at, name=name, store=name.split()[0], phase=phase)
        return self

    def pressure(self, since: float, until: float) -> Story:
        """A period of resource pressure."""
        self._add("pressure", until, since=ns(since), waiting=0.97, late_s=0.01)
        return self

    def vitals(self, at: float, values: dict[str, float]) -> Story:
        """The memory, connections and files in use."""
        self._add("vitals", at, values=values)
        return self

    def queue(self, at: float, *, length: int = 1, ttl_ms: int = 1000, **changes: Any) -> Story:
        """One look at Bob's queue."""
        seen = {"key": "messages:bob", "type": "list", "length": length, "ttl_ms": ttl_ms}
        self._add("queue", at, **(seen | changes))
        return self

    def keys(self, at: float, *without_ttl: str) -> Story:
        """One look at all keys in Redis: one that expires, and these."""
        self._add(
            "keys", at, count=1 + len(without_ttl), without_ttl=len(without_ttl), named=list(without_ttl)
        )
        return self

    def drained(self, at: float) -> Story:
        """Every reader has read its mailbox to the end."""
        self._add("drained", at)
        return self

    def history(self) -> History:
        return History.from_events(self.events)

    def _op(self) -> int:
        self._ops += 1
        return self._ops

    def _add(self, kind: str, at: float, **fields: Any) -> None:
        self.events.append({"row": "ROW-01", "kind": kind, "t": ns(at), **fields})


def _call(name: str) -> dict[str, Any]:
    return {
        "sender": "alice",
        "recipient": "bob",
        "content": f"content {name}",
        "client_message_id": name,
    }


def _outcome(status: int | None) -> str:
    if status is not None and 400 <= status < 500:
        return "refused"
    return OUTCOMES[status]
