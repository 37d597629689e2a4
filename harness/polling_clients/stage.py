"""What a scenario about a client uses: users, clients, a server that misbehaves as the story says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.checkers import CHECKERS
from harness.client import Client as User
from harness.errors import InfrastructureError, NeverReady, UsageError
from harness.history import Event
from harness.polling_clients.clients import Clients, RunningClient
from harness.polling_clients.drivers.browser import Browser
from harness.polling_clients.front import Front, Script
from harness.polling_clients.front.files import Files
from harness.polling_clients.front.misbehaviours import Hold, Misbehaviour
from harness.polling_clients.loop import LoopThread
from harness.polling_clients.profile import ClientProfile, LoadedProfile
from harness.run import LOOK_AGAIN_S, Run

TEXTS = ("Hello", "Hello", "How are you?", "مرحبا, <b>bold</b> & 👩‍👩‍👧", "ok", "ok")
"""The same text twice, markup, and letters of several scripts: each is a message."""


class Stage:
    """One row: its server, the front before it, and its clients."""

    def __init__(
        self, run: Run, loaded: LoadedProfile, loop: LoopThread, browser: Browser, log: Path
    ) -> None:
        self.run = run
        self.profile: ClientProfile = loaded.profile
        self.numbers = loaded.profile.numbers
        self.has = loaded.profile.has
        self._loaded = loaded
        self._loop = loop
        self._browser = browser
        self._log = log
        self._sent = 0
        self._without_effect: list[str] = []
        self._front: Front | None = None
        self._clients: Clients | None = None
        self._sender: User | None = None

    @property
    def front(self) -> Front:
        """The front, which the first client or user starts, and the server with it."""
        if self._front is None:
            self._open()
        assert self._front is not None
        return self._front

    @property
    def script(self) -> Script:
        """What happens to which polls."""
        return self.front.script

    def user(self) -> User:
        """Return a new user, who is signed in."""
        return self.run.users.new_one(usual=True)

    def client(self, user: User, *, with_clock: bool = False) -> RunningClient:
        """Start a client for this user, and wait until it polls, or until it is clear that it does not.

        Raise UsageError where a program ends before its first poll.
        """
        assert self.front is not None
        assert self._clients is not None
        client = self._clients.start(user, with_clock=with_clock)
        self.until(lambda: bool(self.polls(client)) or bool(client.has_died), self.settles_within_s)
        if client.has_died and not self.polls(client):
            raise UsageError(client.has_died, last_lines=client.last_lines)
        return client

    def clients(self, count: int) -> list[RunningClient]:
        """Start clients, each for a new user."""
        return [self.client(self.user()) for _ in range(count)]

    def reading_client(self, *, messages: int = 1, with_clock: bool = False) -> RunningClient:
        """Start a client for a new user, and wait until it has shown some messages."""
        client = self.client(self.user(), with_clock=with_clock)
        self.send(client.user, messages)
        self.until_shown(client)
        return client

    def send(self, user: User, count: int = 1) -> None:
        """Send this user messages."""
        self._sender = self._sender or self.user()
        for _ in range(count):
            self.run.messages.send_acked(self._sender, user, TEXTS[self._sent % len(TEXTS)])
            self._sent += 1

    def misbehaves(
        self, misbehaviour: Misbehaviour, *, times: int, count: int = 2, more_s: float = 0.0
    ) -> None:
        """Let the server misbehave to some polls of one client, while `count` messages come; then heal.

        `more_s` is for how long it may rightly wait in addition.
        """
        client = self.reading_client(messages=2)
        with self.during(misbehaviour):
            self.send(client.user, count)
            self.until_misbehaved(times, client, more_s=more_s)
        self.send(client.user, 2)
        self.until_shown(client, more_s=more_s)
        self.until_polled(client, 2, more_s=more_s)  # a client that stays slow is slow between these
        self.for_intervals(3)

    @contextmanager
    def during(self, misbehaviour: Misbehaviour, *, user: str | None = None) -> Iterator[None]:
        """Let the server misbehave to every poll while the context lasts; what follows must heal."""
        with self.script.during(misbehaviour, user=user) as rule:
            yield
        if not rule.used:
            self._without_effect.append(misbehaviour.name)
        self.healed()

    def healed(self) -> None:
        """Record that the server behaves again."""
        self._record_told("heal")

    def held_back(self, user: User) -> Hold:
        """Hold the answer to this user's next poll back, until `release`."""
        hold = Hold()
        self.script.next(hold.misbehaviour, user=user.username)
        return hold

    def release(self, hold: Hold) -> None:
        """Let an answer that was held back go."""
        self._loop.loop.call_soon_threadsafe(hold.release)

    def restart_server(self, *, while_down: Callable[[], object]) -> None:
        """Kill the server, let the scenario go on `while_down`, and start it again.

        Raise InfrastructureError when it does not come back: that says nothing about the client.
        """
        target = self.run.instances.first
        self._record_told("restart_server")
        target.kill()
        while_down()
        try:
            target.start()
        except NeverReady as error:
            raise InfrastructureError(error.sentence, last_lines=error.last_lines) from error
        self.healed()

    # Waiting

    @property
    def settles_within_s(self) -> float:
        """Within this time after the last misbehaviour a client must have shown everything."""
        return self.profile.settles_within_s

    def until(self, holds: Callable[[], bool], within_s: float) -> bool:
        """Wait until something holds; return whether it did within this time. The checkers judge it."""
        end = time.monotonic() + within_s
        while not holds() and time.monotonic() < end:
            time.sleep(LOOK_AGAIN_S)
        return holds()

    def until_shown(self, *clients: RunningClient, more_s: float = 0.0) -> bool:
        """Wait until these clients have shown everything that was sent to their users, or should have."""
        return self.until(
            lambda: all(self._has_shown_all(client) for client in clients), self.settles_within_s + more_s
        )

    def until_polled(self, client: RunningClient, times: int = 1, *, more_s: float = 0.0) -> bool:
        """Wait for so many polls that begin from now on and are over, or until it should have made them."""
        since_ns = time.monotonic_ns()
        return self.until(
            lambda: sum(it["start"] >= since_ns for it in self.polls(client)) >= times,
            times * self.settles_within_s + more_s,
        )

    def until_given(self, client: RunningClient) -> bool:
        """Wait until everything that was sent to the client's user was in an answer that it got."""
        return self.until(
            lambda: self._sent_to(client) <= {id_ for it in self.polls(client) for id_ in it["messages"]},
            self.settles_within_s,
        )

    def until_held_back(self, client: RunningClient) -> bool:
        """Wait until an answer for the client is held back."""
        return self.until(
            lambda: any(it.is_held_back and it.client == client.name for it in list(self.front.open)),
            self.settles_within_s,
        )

    def until_asked(self, client: RunningClient) -> bool:
        """Wait until a poll of the client waits for its answer."""
        return self.until(
            lambda: any(it.is_poll and it.client == client.name for it in list(self.front.open)),
            self.settles_within_s,
        )

    def until_failed(self, times: int, client: RunningClient) -> bool:
        """Wait until so many polls of the client were not answered, or should have been made."""
        return self._until_more(client, lambda poll: poll["status"] is None, times, 0.0)

    def until_misbehaved(self, times: int, client: RunningClient, *, more_s: float = 0.0) -> bool:
        """Wait until the script was applied to so many polls of the client, or should have been."""
        return self._until_more(client, lambda poll: bool(poll["script"]), times, more_s)

    def _until_more(
        self, client: RunningClient, counts: Callable[[Event], bool], times: int, more_s: float
    ) -> bool:
        already = sum(map(counts, self.polls(client)))
        return self.until(
            lambda: sum(map(counts, self.polls(client))) - already >= times,
            times * (self.settles_within_s + more_s),
        )

    def for_intervals(self, count: float) -> None:
        """Let the client poll for so many intervals of its profile: this is what a pace is judged by."""
        time.sleep(count * self.numbers.interval_s)

    def by_polls(self, clients: Sequence[RunningClient]) -> list[RunningClient]:
        """Return the clients, first the one that polled last."""
        latest = {client.name: max([it["t"] for it in self.polls(client)], default=0) for client in clients}
        return sorted(clients, key=lambda client: latest[client.name], reverse=True)

    def polls(self, client: RunningClient) -> list[Event]:
        """Return the client's polls that are over."""
        return [
            event
            for event in list(self.run.recorder.events)
            if event["kind"] == "client_request" and event["is_poll"] and event["client"] == client.name
        ]

    def _has_shown_all(self, client: RunningClient) -> bool:
        return self._sent_to(client) <= set(client.shown)

    def _sent_to(self, client: RunningClient) -> set[str]:
        sends = [it for it in self.run.recorder.history().sends if it.recipient == client.user.username]
        return {send.id for send in sends if send.id is not None}

    # Judging

    def check(self, *promises: str) -> None:
        """End the row, and judge it by those of these promises that the client makes.

        Raise InfrastructureError if it kept them, but was never answered as the story says.
        """
        made = [promise for promise in promises if promise in self.profile.promises]
        if not made:
            pytest.skip(f"the client's profile does not promise {' or '.join(promises)}")
        self._record_told("end")
        self.run.check(*(CHECKERS[promise] for promise in made))
        if self._without_effect:
            names = ", ".join(self._without_effect)
            raise InfrastructureError(f"The server was to misbehave ({names}), but no poll came meanwhile.")

    def close(self) -> None:
        """End the clients and the front."""
        try:
            if self._clients is not None:
                self._clients.close()
        finally:
            if self._front is not None:
                self._loop.run(self._front.close())

    def _open(self) -> None:
        if not self.run.instances.targets:
            self.run.instances.start()
        page, folder = self._loaded.profile.page, self._loaded.folder
        mounts = {path: folder / where for path, where in page.files.items()} if page else {}
        self._front = Front(
            self.run.instances.first.base_url,
            self.run.recorder.record,
            files=Files(mounts),
            interval_ms=round(self.numbers.interval_s * 1000),
        )
        url = self._loop.run(self._front.open_up())
        self._clients = Clients(self._loaded, self._loop, self._browser, self._front, url, self._log)

    def _record_told(self, did: str) -> None:
        self.run.recorder.record("client_told", client="", did=did, user=None)
