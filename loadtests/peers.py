"""The users of other processes: who they are, and what they received of what this process sent.

The process that sends a message keeps it until it has arrived. The process that receives it tells it so by
way of the master. All times travel by the master's clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from harness.adapters import Message
from loadtests.clocks import Clock
from loadtests.deliveries import Arrival, origin_of

Row = list[Any]
NEVER_POLLED_NS = -(10**18)
"""When a user of a lost worker last polled: what was sent to it is undecided."""
_NEWS = ("arrivals", "joined", "leaving", "left")


class Peers:
    """What a process tells the others with its next message, and what it knows of them, if there are any."""

    def __init__(self, usernames: list[str], origin: str, clock: Clock, *, is_alone: bool = True) -> None:
        self.usernames, self.origin, self.clock = usernames, origin, clock
        self.is_quiet = is_alone
        """Nothing is on its way any more to any user."""
        self._is_alone = is_alone
        self._origins: set[str] = set()
        self._joined: list[str] = []
        self._leaving: list[str] = []
        self._left: list[Row] = []
        self._arrivals: list[Row] = []

    def join(self, name: str) -> None:
        """One of this process's users may be written to."""
        self.usernames.append(name)
        self._joined.append(name)

    def leave(self, name: str) -> None:
        """One of this process's users must not be written to any more."""
        if name in self.usernames:
            self.usernames.remove(name)
            self._leaving.append(name)

    def gone(self, name: str, polled_ns: int) -> None:
        """One of this process's users polls no more; its last whole poll began at `polled_ns`."""
        self._left.append([name, self.clock.to_master(polled_ns)])

    def took(self, message: Message, mailbox: str, arrival: Arrival) -> bool:
        """Take a message that another process has sent; return whether one has."""
        origin = origin_of(message)
        if origin == self.origin or origin not in self._origins:
            return False
        sent_like = [message.content, message.sender, message.recipient, message.client_message_id]
        times = [self.clock.to_master(arrival.at_ns), self.clock.to_master(arrival.reader_since_ns)]
        error_ns = self.clock.error_ns(time.monotonic_ns())
        self._arrivals.append([origin, *sent_like, mailbox, *times, arrival.lag_ns, error_ns])
        return True

    def to_master(self, under_way: int) -> dict[str, Any]:
        """Return what is new since the last call, for the master."""
        news = {
            "origin": self.origin,
            "under_way": under_way,
            "joined": self._joined,
            "leaving": self._leaving,
            "left": self._left,
            "arrivals": self._arrivals,
        }
        self._joined, self._leaving, self._left, self._arrivals = [], [], [], []
        return news

    def from_master(
        self,
        news: dict[str, Any],
        *,
        arrived: Callable[[Message, str, Arrival], None],
        gone: Callable[[str, int], None],
    ) -> None:
        """Take what other processes have told."""
        self._origins.update(news["origins"])
        self.usernames += [name for name in news["joined"] if name not in self.usernames]
        for row in news["arrivals"]:
            arrived(*self._arrival(row))
        for name in news["leaving"]:
            if name in self.usernames:
                self.usernames.remove(name)
        for name, polled_ns in news["left"]:
            gone(name, self.clock.from_master(polled_ns) - self.clock.error_ns(time.monotonic_ns()))

    def _arrival(self, row: Row) -> tuple[Message, str, Arrival]:
        content, sender, recipient, token, mailbox, at_ns, since_ns, lag_ns, error_ns = row[1:]
        message = Message("", sender, recipient, content, client_message_id=token)
        own = self.clock.from_master
        error_ns += self.clock.error_ns(time.monotonic_ns())
        return message, mailbox, Arrival(own(at_ns), own(since_ns), lag_ns, error_ns)


class Exchange:
    """What a master passes on between its workers, by their ids."""

    def __init__(self) -> None:
        self._workers: dict[str, str] = {}
        self.under_way: dict[str, int] = {}
        self._users: dict[str, list[str]] = {}

    def take(self, worker: str, news: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Take what a worker has told; return what each worker, itself also, is to be told."""
        is_new = worker not in self._workers.values()
        self._workers[news["origin"]] = worker
        self.under_way[worker] = news["under_way"]
        users = self._users.setdefault(worker, [])
        users[:] = [name for name in [*users, *news["joined"]] if name not in news["leaving"]]
        told = {
            other: self._told(other, worker, news, is_new=is_new) for other in set(self._workers.values())
        }
        return {other: some for other, some in told.items() if is_new or any(some[key] for key in _NEWS)}

    def _told(self, other: str, worker: str, news: dict[str, Any], *, is_new: bool) -> dict[str, Any]:
        """Return what one worker is told of another's news; a new worker of all users that are there."""
        mine = [row for row in news["arrivals"] if self._workers.get(row[0]) == other]
        told = {"origins": list(self._workers), "arrivals": mine, "joined": [], "leaving": [], "left": []}
        if other != worker:
            return told | {key: news[key] for key in ("joined", "leaving", "left")}
        if is_new:
            told["joined"] = [name for at, names in self._users.items() if at != worker for name in names]
        return told

    def lose(self, living: Collection[str]) -> dict[str, dict[str, Any]]:
        """Give the workers up that do not live any more; return what each living one is to be told."""
        lost = [worker for worker in self._users if worker not in living]
        names = [name for worker in lost for name in self._users.pop(worker)]
        self._workers = {origin: worker for origin, worker in self._workers.items() if worker in living}
        left = [[name, NEVER_POLLED_NS] for name in names]
        told = {"origins": [], "arrivals": [], "joined": [], "leaving": names, "left": left}
        return dict.fromkeys(self._workers.values(), told) if names else {}

    def is_quiet(self, workers: Collection[str]) -> bool:
        """Return whether these workers send no more, and nothing of theirs is on its way."""
        return all(self.under_way.get(worker, 1) == 0 for worker in workers)

    def forget(self) -> None:
        """Forget the users and messages of a test that has ended."""
        self._workers.clear()
        self._users.clear()
        self.under_way.clear()
