"""The primary that Redis Sentinel names. Before every command it is known where the sentinels see it now.

Every sentinel is asked four times a second, in the background, so no request waits for one. redis-py asks
only when it connects: a connection to a former primary that still answers would be used while it lasts.

The sentinels may disagree, for seconds: a failover becomes known to them one after the other, and one that
is cut off together with the old primary goes on naming it. By Sentinel's own rule the highest configuration
epoch wins; each failover has a higher one.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import redis
from redis.connection import parse_url
from redis.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool

from reference_server.errors import Misconfigured

log = logging.getLogger(__name__)

SCHEMES = ("redis+sentinel", "rediss+sentinel")
LOOK_EVERY_S = 0.25
"""As often as the relay looks at its stores: see rhythm.py."""
FRESH_S = 2.0
"""What a sentinel has answered counts for this long: several looks on a busy machine."""
SET_UP_ANEW_S = 60.0
"""If for this long no sentinel has confirmed an epoch, a lower one counts: the sentinels were set up anew."""
_PORT = 26379

Address = tuple[str, int]


class UnknownService(MasterNotFoundError, Misconfigured):
    """Sentinels answer, and none of them knows the service that the URL names."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Where a sentinel sees the primary, since which configuration epoch, and when it said so last."""

    address: Address
    epoch: int
    seen_s: float


class Primary:
    """The primary of a service, by what its sentinels say. `monotonic` returns seconds."""

    def __init__(self, service: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._monotonic = monotonic
        self._held: Sight | None = None
        self._unknown_s = -math.inf
        self._errors: dict[str, str] = {}

    def saw(self, address: Address | None, epoch: int) -> bool:
        """Note what a sentinel says: None if it knows no such service. Return whether that is another one."""
        if address is None:
            self._unknown_s = self._monotonic()
            return False
        held, sight = self._held, Sight(address, epoch, self._monotonic())
        if held is None or self._outdates(sight, held):
            self._held = sight
        return held is not None and held.address != self._held.address  # type: ignore[union-attr]

    def not_seen(self, sentinel: str, why: str) -> None:
        """Note that a sentinel, named by its place, does not answer; '' when it does again."""
        self._errors[sentinel] = why

    def address(self) -> Address:
        """Return where the primary is. Raise MasterNotFoundError if no sentinel has said so of late."""
        now_s = self._monotonic()
        if self._held is not None and now_s - self._held.seen_s <= FRESH_S:
            return self._held.address
        if now_s - self._unknown_s <= FRESH_S:
            raise UnknownService(f"the sentinels know no service named {self._service!r}")
        said = [f"{sentinel}: {why}" for sentinel, why in self._errors.items() if why]
        raise MasterNotFoundError("; ".join(["no sentinel names the primary", *said]))

    @staticmethod
    def _outdates(sight: Sight, held: Sight) -> bool:
        age_s = sight.seen_s - held.seen_s
        if sight.epoch == held.epoch:  # after the service was set up by hand, sentinels may differ for good
            return sight.address == held.address or age_s > FRESH_S
        return sight.epoch > held.epoch or age_s > SET_UP_ANEW_S


class WatchedSentinels(Sentinel):
    """Sentinels that are asked all the time, from the first use on, in threads (under gevent, greenlets)."""

    def __init__(
        self, service: str, addresses: list[Address], moved: Callable[[], object], **options: Any
    ) -> None:
        super().__init__(addresses, sentinel_kwargs=options)  # type: ignore[no-untyped-call]
        self._service = service
        self._primary = Primary(service)
        self._moved = moved
        self._timeout_s = options["socket_timeout"]
        self._start = threading.Lock()
        self._first_look = threading.Event()

    def discover_master(self, service_name: str) -> Address:
        """Return where the primary is, without asking. The first caller waits for the first answer."""
        if self._start.acquire(blocking=False):
            for sentinel in self.sentinels:
                threading.Thread(target=self._watch, args=(sentinel,), name="sentinel", daemon=True).start()
        self._first_look.wait(self._timeout_s)
        return self._primary.address()

    def _watch(self, sentinel: redis.Redis) -> None:
        options = sentinel.get_connection_kwargs()
        place = f"{options['host']}:{options['port']}"
        while True:
            try:
                self._note(*_ask(sentinel, self._service))
                self._primary.not_seen(place, "")
            except redis.RedisError as error:
                log.debug("The sentinel at %s does not answer: %s", place, error)
                self._primary.not_seen(place, str(error))
            time.sleep(LOOK_EVERY_S)

    def _note(self, address: Address | None, epoch: int) -> None:
        has_moved = self._primary.saw(address, epoch)
        self._first_look.set()
        if has_moved:
            log.warning("Sentinel names another primary: %s:%s", *self._primary.address())
            self._moved()


def _ask(sentinel: redis.Redis, service: str) -> tuple[Address | None, int]:
    """Return where a sentinel sees the primary, and its configuration epoch. Raise RedisError.

    The address is asked for by the command that knows a failover's outcome first. It comes last: if it is
    newer than the epoch, it wins only with the next look; an old one with a new epoch would win at once.
    """
    with sentinel.pipeline(transaction=False) as both:
        both.execute_command("SENTINEL MASTER", service)  # type: ignore[no-untyped-call]
        both.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", service)  # type: ignore[no-untyped-call]
        state, address = both.execute(raise_on_error=False)
    if address is None:
        return None, 0
    for answer in (state, address):
        if isinstance(answer, redis.RedisError):
            raise answer
    host, port = address
    return (host.decode(), port), state["config-epoch"]


class _Pool(SentinelConnectionPool):
    """Connections to the primary. Idle ones to a former primary are closed before the next command."""

    def get_connection(self, *arguments: Any, **keywords: Any) -> Any:
        """See ConnectionPool."""
        self.get_master_address()  # type: ignore[no-untyped-call]
        return super().get_connection(*arguments, **keywords)


def connect(url: str, options: Mapping[str, Any], moved: Callable[[], object]) -> redis.Redis:
    """Return a client of the primary; `options` are for every connection, also to the sentinels.

    redis+sentinel://USER:PASSWORD@HOST:26379,HOST:26379/SERVICE/DATABASE?sentinel_password=…
    """
    parts = urlsplit(url)
    credentials, at, hosts = parts.netloc.rpartition("@")
    service, _, database = parts.path.strip("/").partition("/")
    scheme = parts.scheme.partition("+")[0]
    named = parse_url(f"{scheme}://{credentials}{at}localhost/{database}?{parts.query}")  # type: ignore[no-untyped-call]
    del named["host"]
    encrypted = named.pop("connection_class", None) is not None
    own = {name: named.pop(f"sentinel_{name}", None) for name in ("username", "password")}
    tls = {name: value for name, value in named.items() if name.startswith("ssl_")} | {"ssl": encrypted}
    sentinels = WatchedSentinels(
        service, [_address(host) for host in hosts.split(",")], moved, **options, **tls, **own
    )
    return redis.Redis(connection_pool=_Pool(service, sentinels, ssl=encrypted, **options, **named))  # type: ignore[no-untyped-call]


def _address(host_and_port: str) -> Address:
    """Return the host and the port of a sentinel: Sentinel's usual one where there is none."""
    parts = urlsplit(f"//{host_and_port}")
    return parts.hostname or "", parts.port or _PORT
