"""The users of a scenario: registered, signed in, closed in the end."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from harness.checkers.pressure import Pressure
from harness.checkers.unreadable import CHANGED
from harness.client import Client, Result, Said, patiently
from harness.client.variety.names import usual_name
from harness.client.variety.variety import Variety
from harness.errors import NotServed
from harness.history import Outcome, Recorder
from harness.run.broken import LONGEST_WAIT_S
from harness.run.exchange import unread
from harness.targets.instances import Instances

S = TypeVar("S", bound=Said)
PASSWORD = "correct horse battery staple"
TAKEN = 409
"""The names are random: where one is taken, an earlier try, answered 503, was carried out."""
TOLERATED = frozenset({400, 404, 405, 413, 422, 429, 501})
"""Perhaps the harness's fault: a name or password that is not accepted, a limit, an unknown endpoint."""
UNKNOWN_USER = frozenset({401, 403})
"""Perhaps the profile's fault, where it has the names and the passwords."""
AT_ONCE = 4
"""How many register or sign in at the same time: more would only wait for each other."""


class Users:
    """Users with names that no other scenario uses; with several instances, they alternate between them.

    The first user starts the server, unless it runs. Registrations and sign-ins are recorded. They raise
    NotServed when they fail.
    """

    def __init__(self, instances: Instances, recorder: Recorder, variety: Variety) -> None:
        self._recorder = recorder
        self._variety = variety
        self._instances = instances
        self._clients: list[Client] = []
        self._anyone_signed_in = False

    def new(self, count: int, *, usual: bool = False) -> list[Client]:
        """Return new signed-in users, with names of any kind, or `usual` ones if their length matters."""
        return [self.new_one(usual=usual) for _ in range(count)]

    def new_in_parallel(self, count: int) -> list[Client]:
        """Return new signed-in users; but for the first, some of them sign in at the same time."""
        clients = [self._client(self._new_name()) for _ in range(count)]
        for client in clients[:1]:
            self._let_in(client)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._let_in, clients[1:]))
        return clients

    def _let_in(self, client: Client) -> None:
        self._register(client)
        self.sign_in(client)

    def new_one(self, *, at: str = "", usual: bool = False) -> Client:
        """Return one new signed-in user; `at` is another base URL of the server, for this user alone."""
        client = self.register(at=at, usual=usual)
        self.sign_in(client)
        return client

    def new_with_similar_names(self) -> list[Client]:
        """Return signed-in users with a name, one that begins with it, and one that differs in case.

        If the server does not distinguish case in names, the third has any other name.
        """
        name = f"ann_{secrets.token_hex(4)}"
        clients = [self._client(n) for n in (name, f"{name}a", name.capitalize())]
        for client in clients[:2]:
            self._register(client)
        if patiently(clients[2].register).outcome is not Outcome.OK:
            clients[2] = self.register()
        for client in clients:
            self.sign_in(client)
        return clients

    def register(self, *, at: str = "", usual: bool = False) -> Client:
        """Register a new user, who has not signed in, and return it."""
        # Not from the seed: a Redis that is not ours keeps the mailboxes of earlier runs.
        client = self._client(usual_name(len(self._clients)) if usual else self._new_name(), at)
        self._register(client)
        return client

    def _new_name(self) -> str:
        return self._variety.name(len(self._clients), [client.username for client in self._clients])

    def sign_in(self, client: Client) -> None:
        """Sign a registered user in."""
        if client.adapter.signs_in:
            right, tolerated = self._instances.ok("sign_in"), self._tolerated_at_sign_in(client)
            self._must("sign in", client, client.sign_in, right, tolerated=tolerated)
            self._anyone_signed_in = True

    def _tolerated_at_sign_in(self, client: Client) -> frozenset[int]:
        """Return the statuses that may be the harness's or the profile's fault: once one is in, few."""
        if self._anyone_signed_in:
            return frozenset({429})
        return TOLERATED if client.adapter.registers else TOLERATED | UNKNOWN_USER

    def second_browser(self, client: Client) -> Client:
        """Return the same user, signed in once more."""
        twin = self._client(client.username)
        self.sign_in(twin)
        return twin

    def close(self) -> None:
        """Close what the users had open."""
        for client in self._clients:
            client.close()

    def _register(self, client: Client) -> None:
        if client.adapter.registers:
            right = {*self._instances.ok("register"), TAKEN}
            self._must("register", client, client.register, right, tolerated=TOLERATED)

    def _must(
        self,
        what: str,
        client: Client,
        call: Callable[[], Result[S]],
        right: Collection[int],
        *,
        tolerated: Collection[int],
    ) -> None:
        give_up_at = time.monotonic() + LONGEST_WAIT_S
        while True:
            answer = patiently(call)
            # A user who was given no token cannot go on.
            is_malformed = answer.outcome is Outcome.UNKNOWN and answer.status in right
            self._record(what, client, answer, right, tolerated, is_malformed=is_malformed)
            if not self._decides_nothing(client, answer) or time.monotonic() >= give_up_at:
                break
        if answer.status not in right or is_malformed:
            if answer.unreadable:
                raise NotServed(f"{client.username} wanted to {what}: {answer.why}; {CHANGED}")
            said = answer.why or dict(answer.body)
            wanted = " or ".join(map(str, sorted(right)))
            asked = f"{client.username} wanted to {what} and was answered {answer.status or 'nothing'}"
            raise NotServed(f"{asked}, not {wanted}: {said}")

    def _decides_nothing(self, client: Client, answer: Result[S]) -> bool:
        """Return whether the answer just recorded is a time-out that a busy machine explains."""
        if answer.status is not None:
            return False
        history = self._recorder.history()
        required = next(each for each in reversed(history.required) if each.who == client.username)
        return Pressure(history).excuses(required, required.end_ns)

    def _record(
        self,
        what: str,
        client: Client,
        answer: Result[S],
        right: Collection[int],
        tolerated: Collection[int],
        *,
        is_malformed: bool,
    ) -> None:
        self._recorder.record(
            "required",
            t=answer.end_ns,
            op=self._recorder.next_op(),
            who=client.username,
            what=what,
            expected=sorted(right),
            tolerated=sorted(tolerated),
            start=answer.start_ns,
            status=answer.status,
            error=answer.error if answer.status is None or is_malformed else None,
            **(unread(answer) if is_malformed else {}),
        )

    def _client(self, name: str, at: str = "") -> Client:
        if not self._instances.targets:
            self._instances.start()
        client = self._instances.client(name, PASSWORD, at=at)
        self._clients.append(client)
        return client
