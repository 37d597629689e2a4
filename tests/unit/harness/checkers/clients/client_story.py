"""Builds the history of a client run, event by event; times in seconds since its begin."""

from __future__ import annotations

from typing import Any

from harness.checkers import CLIENT_PROMISES
from harness.history import NS_PER_S, History

EVERYTHING = tuple(promise.name for promise in CLIENT_PROMISES)
USER = "bob"
TAB = "tab-1"
INTERVAL_S = 0.5


class ClientStory:
    """A client with an interval of 0.5 s, a back-off of up to 4 s, and 2 s to give up and to catch up."""

    def __init__(self, **has: bool) -> None:
        self.events: list[dict[str, Any]] = []
        self._op = 0
        numbers = {"interval_s": INTERVAL_S, "longest_back_off_s": 4.0, "timeout_s": 2.0, "catch_up_s": 2.0}
        client = {"name": "a client", **numbers, "promises": EVERYTHING, "has": has}
        self._add("begin", 0.0, format=2, title="", seed=1, bounds={}, client=client)

    def told(self, at_s: float, did: str, *, client: str = TAB, user: str | None = USER) -> ClientStory:
        """Let the harness have made a client do something."""
        return self._add("client_told", at_s, client=client, did=did, user=user)

    def healed(self, at_s: float) -> ClientStory:
        """Let the server be well again."""
        return self.told(at_s, "heal", client="", user=None)

    def over(self, at_s: float) -> ClientStory:
        """End the row."""
        return self.told(at_s, "end", client="", user=None)

    def sent(self, at_s: float, id_: str | None, seq: int | None = None, *, to: str = USER) -> ClientStory:
        """Let a user be sent a message; without an id it was never acked."""
        self._op += 1
        who = {"sender": "alice", "recipient": to, "content": f"text {id_}"}
        self._add("send", at_s, op=self._op, intended=_ns(at_s), **who)
        if id_ is None:
            return self
        return self._add("sent", at_s + 0.01, op=self._op, outcome="ok", status=200, id=id_, seq=seq)

    def poll(
        self,
        start_s: float,
        end_s: float | None = None,
        *messages: str,
        client: str = TAB,
        user: str = USER,
        status: int | None = 200,
        **more: Any,
    ) -> ClientStory:
        """Let a client poll; an answer with another status than 200 is not good."""
        end_s = start_s + 0.01 if end_s is None else end_s
        path = f"/api/users/messages/poll/{user}"
        usual = {
            "method": "GET",
            "path": path,
            "is_poll": True,
            "since": None,
            "status": status,
            "script": "",
        }
        usual |= {"is_good": status == 200, "client": client, "user": user, "messages": list(messages)}
        return self._add("client_request", end_s, start=_ns(start_s), **(usual | more))

    def polls(
        self, start_s: float, until_s: float, *, every_s: float = INTERVAL_S, **more: Any
    ) -> ClientStory:
        """Let a client poll regularly."""
        count = 0
        while start_s + count * every_s < until_s:
            self.poll(start_s + count * every_s, **more)
            count += 1
        return self

    def handed(
        self, at_s: float, id_: str, *, client: str = TAB, user: str | None = USER, content: str | None = None
    ) -> ClientStory:
        """Let a client hand a message on."""
        return self._add("client_handed", at_s, client=client, id=id_, user=user, content=content)

    def busy(self, since_s: float, until_s: float) -> ClientStory:
        """Let the machine be too busy for a while."""
        return self._add("pressure", until_s, since=_ns(since_s))

    def history(self) -> History:
        """Return the history so far."""
        return History.from_events(sorted(self.events, key=lambda event: int(event["t"])))

    def _add(self, kind: str, at_s: float, **fields: Any) -> ClientStory:
        self.events.append({"row": "CLIENT-01", "kind": kind, "t": _ns(at_s), **fields})
        return self


def running(until_s: float = 10.0, **has: bool) -> ClientStory:
    """A client that starts at 1 s and polls until the row ends."""
    return ClientStory(**has).told(1.0, "start").polls(1.0, until_s).over(until_s)


def _ns(seconds: float) -> int:
    return round(seconds * NS_PER_S)
