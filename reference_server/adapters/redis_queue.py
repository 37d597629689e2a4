"""The queue in Redis: one list a mailbox, and a head record that says whether the list can be trusted.

Keys, types and the rules of trust are documented at the top of identity.lua and trust.lua.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.queue_limits import check_message, check_read
from reference_server.errors import Misconfigured, QueueUnavailable
from reference_server.interfaces import Accepted, Cursor, Incomplete, Page, Rebuild, Untrusted, page_of
from reference_server.message import Message, from_entry, to_entry

log = logging.getLogger(__name__)

AT_ONCE = 32
"""Commands of one process under way at a time. More would not be answered sooner, only time out together."""
_HERE = Path(__file__).parent
_SEE = "see What Redis must allow in docs/server.md"
_UNREMARKABLE = ("cold", "written before another Redis was in use")


def connect(url: str, timeout_ms: int) -> redis.Redis:
    """Open a client that never retries and never waits long. It connects on first use.

    redis-py's defaults retry ten times: a push could be applied twice, and a dead Redis would cost seconds.
    """
    timeout_s = timeout_ms / 1000
    pool = redis.ConnectionPool.from_url(
        url,
        max_connections=2 * AT_ONCE,  # the probe and the notifier use it as well
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        health_check_interval=5,  # a connection that fell silent is noticed, the notifier's above all
        retry=Retry(NoBackoff(), 0),
        protocol=2,  # this and the next save round trips on every new connection
        driver_info=None,
    )
    return redis.Redis(connection_pool=pool)


class RedisQueue:
    """A MessageQueue. At most `limit` entries a list; a key lives `ttl_s` seconds after its last push.

    `epoch_of` returns the epoch of a Redis that is in use, by its identity: see mongo_epochs.py.
    """

    def __init__(
        self,
        client: redis.Redis,
        breaker: CircuitBreaker,
        epoch_of: Callable[[str], str],
        *,
        limit: int,
        ttl_s: int,
    ) -> None:
        self._client = client
        self._breaker = breaker
        self._gate = threading.BoundedSemaphore(AT_ONCE)
        self._limit = limit
        self._ttl_ms = ttl_s * 1000
        self._epoch_of = epoch_of
        self._writer = ("", "")
        self._seen = ""
        self._push = client.register_script(script("identity", "trust", "push"))
        self._read = client.register_script(script("identity", "trust", "read"))
        self._probe = client.register_script(script("identity", "probe"))

    @property
    def breaker(self) -> CircuitBreaker:
        """See Guarded."""
        return self._breaker

    def refresh(self) -> None:
        """See MessageQueue."""
        self._take_into_use(self._seen)

    def probe(self) -> bool:
        """See Guarded. Every command that a request needs: Redis may be read-only or full, or deny some."""
        try:
            said, *told = (word.decode() for word in self._probe(keys=["messages:", "head:"]))
            if said == "denied":
                raise Misconfigured(f"the Redis user may not run {', '.join(told)}: {_SEE}")
        except (redis.RedisError, Misconfigured) as error:
            log.debug("Redis probe failed: %s", error)
            self._note(error)
            return False
        [self._seen] = told
        return True

    def push(self, recipient: str, batch: Sequence[Message], claim: str | None = None) -> Accepted | Rebuild:
        """See MessageQueue."""
        for message in batch:
            check_message(message)
        first_seq, last_us = (batch[0].seq, batch[-1].timestamp_us) if batch else (1, 0)
        arguments = [claim or "", secrets.token_hex(8), self._limit, self._ttl_ms, first_seq, last_us]
        reply = self._run(self._push, recipient, arguments + [to_entry(message) for message in batch])
        if reply[0] == b"accepted":
            return Accepted(reply[1])
        why = reply[2].decode()
        log.log(
            logging.DEBUG if why in _UNREMARKABLE else logging.WARNING,
            "Queue of '%s' is rebuilt: %s",
            recipient,
            why,
        )
        return Rebuild(reply[1].decode())

    def read(self, recipient: str, cursor: Cursor, limit: int) -> Page | Untrusted | Incomplete:
        """See MessageQueue. Nobody's mailbox is an empty one."""
        check_read(cursor, limit)
        if not recipient:
            return Page((), has_more=False, gap=False)
        state, *rest = self._run(self._read, recipient, [cursor.since_us, limit + 1])
        if state == b"untrusted":
            return Untrusted(rest[0].decode())
        if state == b"damaged":
            return self._distrust(recipient, rest[0].decode())
        seq, first, entries = rest
        try:
            found = decode_page(entries, recipient)
        except ValueError as error:
            return self._distrust(recipient, str(error))
        reaches_back = first == 1 or (not cursor.given and seq - first + 1 >= self._limit)
        if found and found[0].seq == first and not reaches_back:
            return Incomplete()
        return page_of(found, cursor, limit, seq)

    def _distrust(self, recipient: str, why: str) -> Untrusted:
        """Take the head away, so that the next push asks for a rebuild, at worst for one more than needed."""
        log.warning("Queue of '%s' has a bad entry: %s", recipient, why)
        self._guarded(lambda: self._client.delete(f"head:{recipient}"))
        return Untrusted(why)

    def _run(self, script: Callable[..., Any], recipient: str, arguments: Sequence[Any]) -> Any:
        """Run a script. Raises like MessageQueue."""
        keys = [f"messages:{recipient}", f"head:{recipient}"]

        def run() -> Any:
            return self._guarded(lambda: script(keys=keys, args=[*self._writer, *arguments]))

        if (reply := run())[0] == b"stranger":
            self._take_into_use(reply[1].decode())
            if (reply := run())[0] == b"stranger":
                raise QueueUnavailable("another Redis answers each time")
        return reply

    def _take_into_use(self, identity: str) -> None:
        """Trust what is written in this Redis in its epoch, and nothing else."""
        if self._writer[0] not in ("", identity):
            log.warning("Another Redis is in use than before: its queues are rebuilt")
        self._writer = (identity, self._epoch_of(identity))

    def _guarded(self, command: Callable[[], Any]) -> Any:
        """Run a command behind the breaker. Raises QueueUnavailable, whatever Redis or the way to it does."""
        with self._gate:  # whoever waited here finds the breaker as those before left it
            if self._breaker.reason is not None:
                raise QueueUnavailable(f"{_reason(self._breaker.reason)} (circuit breaker is open)")
            try:
                answer = command()
            except redis.RedisError as error:
                self._note(error)
                raise QueueUnavailable(_reason(error)) from error
            self._breaker.succeeded()
            return answer

    def _note(self, error: Exception) -> None:
        """Tell the breaker what a failure says about Redis."""
        if isinstance(error, redis.MaxConnectionsError):
            return  # our own pool is busy
        if isinstance(error, redis.ConnectionError | redis.TimeoutError):
            self._breaker.failed(error)
        else:  # it answers, but that it cannot: read-only, out of memory, not allowed
            self._breaker.open(error)


def script(*names: str) -> str:
    """Return the scripts of these names as one."""
    return "".join((_HERE / f"{name}.lua").read_text(encoding="utf-8") for name in names)


def decode_page(entries: list[bytes], recipient: str) -> list[Message]:
    """Decode entries, newest first, to messages, oldest first. Raises ValueError: a bad one, or a hole."""
    found: list[Message] = []
    for entry in reversed(entries):
        try:
            message = from_entry(entry)
        except ValueError as error:
            raise ValueError(f"{error}: {entry[:80]!r}") from error
        if message.recipient != recipient:
            raise ValueError(f"entry {message.seq} is a message to somebody else")
        if found and message.seq != found[-1].seq + 1:
            raise ValueError(f"entry {message.seq} follows entry {found[-1].seq}")
        found.append(message)
    return found


def _reason(error: Exception) -> str:
    """Say it like the operating system does, "Connection refused", without redis-py's preface."""
    cause = error.__cause__ or error.__context__
    return (cause.strerror if isinstance(cause, OSError) else None) or str(error)
