"""How the generator talks to a server: by the contract, by a profile, or to the bare route."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Sequence
from typing import Protocol
from urllib.parse import urlsplit

from gevent.pool import Pool
from msgspec import Struct

from benchmarks.capacity import wire
from harness.adapters import Manner
from harness.client import Client, require
from harness.errors import UsageError
from harness.history import Outcome
from harness.history.operations import Received
from harness.targets.profile import Profile
from loadtests.clients import Clients
from loadtests.connections import Server

ENTERING_AT_ONCE = 4
OPENED_AT_ONCE = 16
OPENED_WITHIN_S = 15.0
PASSWORD = "correct horse battery staple"


class Polled(Struct):
    """The answer to a poll."""

    outcome: Outcome
    status: int | None
    error: str | None = None
    messages: tuple[Received, ...] = ()
    next_since: str | None = None
    has_more: bool = False
    gap: bool = False
    source: str | None = None
    degraded: bool | None = None


class Sent(Struct):
    """The answer to a send."""

    outcome: Outcome
    status: int | None
    error: str | None = None
    id: str | None = None
    seq: int | None = None
    timestamp: str | None = None
    queued: bool | None = None
    replayed: bool | None = None


class Talk(Protocol):
    """What the generator needs of a server. Consumers and users are numbered from 0."""

    sends: bool

    def enter(self, count: int) -> None:
        """Let this many consumers in. Raise HarnessError."""

    def name(self, consumer: int) -> str:
        """Return the user of a consumer."""

    def poll(self, consumer: int, since: str | None) -> Polled:
        """Poll once."""

    def send(self, consumer: int, recipient: str, content: str, token: str) -> Sent:
        """Send one message."""


def _open(connections: Sequence[wire.Connection], requests: Sequence[bytes]) -> None:
    """Open connections, a few at a time, each by a request: a rush of new users is not what is measured.

    One that cannot be opened in time is opened in the step, and its failures are counted there.
    """
    end_s = time.monotonic() + OPENED_WITHIN_S

    def ask(connection: wire.Connection, request: bytes) -> None:
        if time.monotonic() < end_s:
            with contextlib.suppress(OSError):
                connection.ask(request)

    pool = Pool(OPENED_AT_ONCE)
    for connection, request in zip(connections, requests, strict=True):
        pool.spawn(ask, connection, request)
    pool.join(raise_error=True)


class _Spare:
    """Connections for sends: each is used by one send at a time, however many are under way."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._free: list[wire.Connection] = []

    def open(self, request: bytes) -> None:
        """Open some connections by this request, if none is open."""
        if not self._free:
            self._free += [wire.Connection(self._url) for _ in range(OPENED_AT_ONCE)]
            _open(self._free, [request] * OPENED_AT_ONCE)

    def ask(self, request: bytes) -> tuple[int, bytes]:
        connection = self._free.pop() if self._free else wire.Connection(self._url)
        try:
            return connection.ask(request)
        finally:
            self._free.append(connection)


class ContractTalk:
    """Talks to a server that speaks the contract, as users who are signed in."""

    sends = True

    def __init__(self, url: str, users: Sequence[tuple[str, str]]) -> None:
        self._url, self._host, self._users = url, urlsplit(url).netloc, users
        self._connections: list[wire.Connection] = []
        self._spare = _Spare(url)

    def enter(self, count: int) -> None:
        """Let this many consumers in."""
        places = range(len(self._connections), count)
        new = [wire.Connection(self._url) for _ in places]
        _open(new, [self._poll_request(place, None) for place in places])
        self._connections += new
        self._spare.open(self._poll_request(0, None))

    def name(self, consumer: int) -> str:
        """Return the user of a consumer."""
        return self._users[consumer][0]

    def poll(self, consumer: int, since: str | None) -> Polled:
        """Poll once."""
        try:
            status, body = self._connections[consumer].ask(self._poll_request(consumer, since))
        except OSError as error:
            return Polled(Outcome.UNKNOWN, None, _why(error))
        page = wire.page_of(body) if status == 200 else None
        if page is None:
            return Polled(wire.outcome_of(status, body), status)
        messages = tuple([message.received() for message in page.messages])
        rest = page.next_since, page.has_more, page.gap, page.source, page.degraded
        return Polled(Outcome.OK, status, None, messages, *rest)

    def send(self, consumer: int, recipient: str, content: str, token: str) -> Sent:
        """Send one message."""
        request = wire.send_request(self._host, self._users[consumer][1], recipient, content, token)
        try:
            status, body = self._spare.ask(request)
        except OSError as error:
            return Sent(Outcome.UNKNOWN, None, _why(error))
        ack = wire.ack_of(body) if status == 200 else None
        if ack is None:
            return Sent(wire.outcome_of(status, body), status)
        return Sent(Outcome.OK, status, None, ack.id, ack.seq, ack.timestamp, ack.queued, ack.replayed)

    def _poll_request(self, consumer: int, since: str | None) -> bytes:
        name, token = self._users[consumer]
        return wire.poll_request(self._host, token, name, since)


class BareTalk:
    """Polls a bare JSON route: what the same load costs where nothing is done."""

    sends = False

    def __init__(self, url: str) -> None:
        self._url = url
        self._request = f"GET /json HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n\r\n".encode("ascii")
        self._connections: list[wire.Connection] = []

    def enter(self, count: int) -> None:
        """Let this many consumers in."""
        new = [wire.Connection(self._url) for _ in range(len(self._connections), count)]
        _open(new, [self._request] * len(new))
        self._connections += new

    def name(self, consumer: int) -> str:
        """Return the user of a consumer."""
        return f"user-{consumer}"

    def poll(self, consumer: int, since: str | None) -> Polled:
        """Poll once."""
        try:
            status, body = self._connections[consumer].ask(self._request)
        except OSError as error:
            return Polled(Outcome.UNKNOWN, None, _why(error))
        is_right = status == 200 and wire.page_of(body) is not None
        return Polled(Outcome.OK if is_right else Outcome.UNKNOWN, status)

    def send(self, consumer: int, recipient: str, content: str, token: str) -> Sent:
        """Raise NotImplementedError: a bare route takes no message."""
        raise NotImplementedError


class ProfileTalk:
    """Talks to any server by its profile. Accounts are few: consumers beyond them share their mailboxes."""

    sends = True

    def __init__(self, url: str, profile: Profile, accounts: int) -> None:
        self._profile, self._accounts = profile, accounts
        self._makes = Clients(profile, Server(url, keep_alive_s=1.0, is_checked=False))
        self._run = secrets.token_hex(4)
        self._clients: list[Client] = []
        if profile.wire.users == "list" and not profile.adapter:
            self._accounts = min(accounts, len(profile.wire.user_list))

    def enter(self, count: int) -> None:
        """Register and sign in as many accounts as are needed. Raise HarnessError."""
        if self._profile.semantics.is_destructive and count > self._accounts:
            raise UsageError(
                f"Reading deletes at this target, so each poller needs an account: --accounts {count}."
            )
        new = [self._client(place) for place in range(len(self._clients), min(count, self._accounts))]
        for entered in Pool(ENTERING_AT_ONCE).imap(_entered, new):
            self._clients.append(entered)

    def name(self, consumer: int) -> str:
        """Return the user of a consumer."""
        return self._of(consumer).username

    def poll(self, consumer: int, since: str | None) -> Polled:
        """Poll once."""
        result = self._of(consumer).poll({} if since is None else {"since": since})
        if result.outcome is not Outcome.OK:
            return Polled(result.outcome, result.status, result.why)
        page = result.said
        messages = tuple(Received(**vars(message)) for message in page.messages)
        rest = page.next_since, bool(page.has_more), bool(page.gap), page.source, page.degraded
        return Polled(Outcome.OK, result.status, None, messages, *rest)

    def send(self, consumer: int, recipient: str, content: str, token: str) -> Sent:
        """Send one message."""
        result = self._of(consumer).send(recipient, Manner(content, token))
        ack = result.said
        stored = ack.id, ack.seq, ack.timestamp, ack.queued, ack.replayed
        return Sent(result.outcome, result.status, result.why, *stored)

    def _of(self, consumer: int) -> Client:
        return self._clients[consumer % len(self._clients)]

    def _client(self, place: int) -> Client:
        wire_ = self._profile.wire
        name, password = f"capacity_{self._run}_{place}", PASSWORD
        if wire_.users == "list" and not self._profile.adapter:
            name, password = wire_.user_list[place].username, wire_.user_list[place].password
        return self._makes.new(name, password)[0]


def _entered(client: Client) -> Client:
    """Return the client once it is in. Raise NotServed."""
    if client.adapter.registers:
        require(client.register(), f"registering {client.username}")
    if client.adapter.signs_in:
        require(client.sign_in(), f"signing {client.username} in")
    return client


def _why(error: OSError) -> str:
    return "timeout" if isinstance(error, TimeoutError) else error.strerror or str(error)
