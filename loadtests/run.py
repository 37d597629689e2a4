"""What the users of one process share: the server, the load, the names of all users, and what is counted."""

from __future__ import annotations

import secrets
import time

from gevent.lock import BoundedSemaphore

from harness.checkers import PROMISES, is_made
from harness.client import Answer, Client
from harness.errors import NotHere
from harness.history import NS_PER_S
from harness.targets.profile import Profile
from loadtests.busy import Busy
from loadtests.clients import Clients
from loadtests.clocks import Clock
from loadtests.connections import Connections, Server
from loadtests.deliveries import Deliveries
from loadtests.figures import Figures
from loadtests.peers import Peers
from loadtests.recording import Recording
from loadtests.schedule import Load
from loadtests.verdicts import NOT_IN_TIME_S

PASSWORD = "correct horse battery staple"
ENTERING_AT_ONCE = 4
"""How many users register or sign in at the same time: hashing passwords is slow on purpose."""
MOST_AT_ONCE = 4000
"""Sends of one process that are not answered yet: beyond it this machine could not make them."""


class LoadRun:
    """One test, as one process sees it; `worker` is this process's index."""

    def __init__(
        self,
        profile: Profile,
        server: Server,
        load: Load,
        *,
        figures: Figures,
        worker: int = 0,
        workers: int = 1,
        recording: Recording | None = None,
        clock: Clock | None = None,
        is_alone: bool = True,
    ) -> None:
        self.profile, self.load, self.figures = profile, load, figures
        self.recording = recording or Recording(lambda line: None, seed=load.seed, share=0.0)
        self.busy = Busy(self.recording.pressed)
        self.deliveries = Deliveries(
            figures,
            profile.bounds,
            may_repeat=not is_made("no-duplicate", profile.semantics)
            or profile.semantics.boundary == "inclusive",
            excuses=self.busy.excuses,
        )
        self.begin_ns = time.monotonic_ns()
        self.usernames: list[str] = []
        """Of all users that may be written to, in every process."""
        self.peers = Peers(self.usernames, self.deliveries.origin, clock or Clock(), is_alone=is_alone)
        self._worker, self._workers, self._joined = worker, workers, 0
        self._used = time.process_time(), time.monotonic()
        self._clients = Clients(profile, server)
        self._run = secrets.token_hex(4)
        self.at_once = 0
        self.entering = BoundedSemaphore(ENTERING_AT_ONCE)
        self.is_stopping = False
        self.stopping_since_ns = 0

    def new_user(self) -> tuple[str, Client, Connections]:
        """Return a new user: what its random choices are drawn by, the client, and its connections."""
        place, key = self._joined, f"{self._worker}x{self._joined}"
        self._joined += 1
        known = self.profile.wire.user_list[self._worker :: self._workers]
        if self.profile.wire.users != "list" or self.profile.adapter:
            return key, *self._clients.new(f"load_{self._run}_{key}", PASSWORD)
        if place >= len(known):
            raise NotHere(
                f"The profile's list has {len(known)} users for this process, and more were started."
            )
        return known[place].username, *self._clients.new(known[place].username, known[place].password)

    def ask(self) -> Answer:
        """Register one more user over HTTP, and return the raw answer."""
        _, client, _ = self.new_user()
        return client.http.ask("register", {"username": client.username, "password": PASSWORD})

    def since_begin_s(self) -> float:
        """Return the time since the test began."""
        return (time.monotonic_ns() - self.begin_ns) / NS_PER_S

    def at_ns(self, since_begin_s: float) -> int:
        """Return a time of the load on the monotonic clock."""
        return self.begin_ns + int(since_begin_s * NS_PER_S)

    def stop(self) -> None:
        """Let the users send no more."""
        self.is_stopping, self.stopping_since_ns = True, time.monotonic_ns()

    def count_cpu(self) -> None:
        """Count how much of a core this process has used since the last call."""
        cpu_s, wall_s = time.process_time(), time.monotonic()
        self.figures.sums_s["cpu"] += cpu_s - self._used[0]
        self.figures.sums_s["wall"] += wall_s - self._used[1]
        self._used = cpu_s, wall_s

    def began(self, intended_ns: int, start_ns: int) -> None:
        """Count a send or a poll that the generator began, in time or not."""
        late_ns = max(0, start_ns - intended_ns)
        self.figures.took("lag", late_ns)
        self.figures.counts["missed" if late_ns > NOT_IN_TIME_S * NS_PER_S else "made"] += 1


def promises_of(profile: Profile) -> frozenset[str]:
    """Return the names of the promises that the target makes."""
    return frozenset(promise.name for promise in PROMISES if is_made(promise.name, profile.semantics))
