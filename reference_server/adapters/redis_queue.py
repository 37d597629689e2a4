"""The queue in Redis: one list per mailbox, and a head record that says whether the list can be trusted.

Keys, types and the rules of trust are documented at the top of identity.lua and trust.lua.
"""

from __future__ import annotations

import logging
import re
import secrets
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import redis

from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.queue_limits import check_message, check_read
from reference_server.adapters.redis_clients import MAX_CONCURRENT
from reference_server.adapters.redis_round_trips import RoundTrips, Script
from reference_server.errors import Misconfigured, QueueUnavailable
from reference_server.interfaces import (
    Accepted,
    Cursor,
    Incomplete,
    Newest,
    Page,
    Rebuild,
    Untrusted,
    page_of,
)
from reference_server.message import Message, from_entries, to_entry

log = logging.getLogger(__name__)

_HERE = Path(__file__).parent
_SEE = "see What Redis must allow in docs/server.md"
_BEFORE = {"push": ("identity", "notice", "trust"), "read": ("identity", "trust"), "probe": ("identity",)}
_UNREMARKABLE = (
    "cold",
    "written before another Redis was in use",
    "written by version 0.1",
    "written by a later version",
)


class RedisQueue:
    """A MessageQueue. A list has at most `limit` entries; a key lives `ttl_s` seconds after its last push.

    `epoch_of` returns the epoch of a Redis that is in use, by its identity: see mongo_epochs.py. `replaced`
    is called when another Redis, or another epoch, is in use.
    """

    _not_failures: tuple[type[redis.RedisError], ...] = ()
    """Errors that say nothing about this Redis. They are raised as they are."""

    def __init__(
        self,
        client: redis.Redis,
        breaker: CircuitBreaker,
        epoch_of: Callable[[str], str],
        *,
        limit: int,
        ttl_s: int,
        replaced: Callable[[], object] = lambda: None,
    ) -> None:
        self._client = client
        self._breaker = breaker
        self._round_trips = RoundTrips(client)
        self._gate = threading.BoundedSemaphore(MAX_CONCURRENT)
        self._limit = limit
        self._ttl_ms = ttl_s * 1000
        self._epoch_of = epoch_of
        self._replaced = replaced
        self._writer = ("", "")
        self._seen = ""
        self._unconfirmed: set[str] = set()
        """The mailboxes that were pushed to since MongoDB last named this Redis as the one in use."""
        self._orphaned: set[str] = set()
        """Those of them that were pushed to a Redis that is no longer used."""
        self.pushes = 0
        self._push = client.register_script(script("push"))
        self._read = client.register_script(script("read"))
        self._probe = client.register_script(script("probe"))

    @property
    def breaker(self) -> CircuitBreaker:
        """See Guarded."""
        return self._breaker

    def refresh(self) -> frozenset[str]:
        """See MessageQueue."""
        pushed = frozenset(self._unconfirmed)
        if not self._take_into_use(self._seen):
            self._unconfirmed -= pushed
        orphaned = frozenset(self._orphaned)
        self._orphaned -= orphaned
        return orphaned

    def probe(self) -> bool:
        """See Guarded. Try every command that requests use: Redis may be read-only or full, or deny some."""
        try:
            result, *values = (word.decode() for word in self._probe(keys=self._probe_keys()))
            if result == "denied":
                raise Misconfigured(f"the Redis user may not run {', '.join(values)}: {_SEE}")
        except self._not_failures:
            raise
        except (redis.RedisError, Misconfigured) as error:
            log.debug("Redis probe failed: %s", error)
            self._note(error)
            return False
        self._seen, count = values
        self.pushes = int(count)
        return True

    def push(self, recipient: str, batch: Sequence[Message], claim: str | None = None) -> Accepted | Rebuild:
        """See MessageQueue."""
        for message in batch:
            check_message(message)
        first_seq, last_us = (batch[0].seq, batch[-1].timestamp_us) if batch else (1, 0)
        self._note_push(recipient)
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
        """See MessageQueue. Without a recipient the page is empty."""
        check_read(cursor, limit)
        if not recipient:
            return Page((), has_more=False, gap=False)
        state, *rest = self._run(self._read, recipient, [cursor.since_us, limit + 1])
        if state == b"untrusted":
            return Untrusted(rest[0].decode())
        if state == b"damaged":
            return self._distrust(recipient, rest[0].decode())
        newest_us, pushes, seq, first, entries = rest
        try:
            found = decode_page(entries, recipient)
        except ValueError as error:
            return self._distrust(recipient, str(error))
        reaches_back = first == 1 or (not cursor.given and seq - first + 1 >= self._limit)
        if found and found[0].seq == first and not reaches_back:
            return Incomplete()
        return page_of(found, cursor, limit, seq, newest=Newest(newest_us, pushes))

    def _distrust(self, recipient: str, why: str) -> Untrusted:
        """Delete the head record, so that the next push asks for a rebuild, at worst for a needless one."""
        log.warning("Queue of '%s' has a bad entry: %s", recipient, why)
        self._guarded(lambda: self._client.delete(self._keys_of(recipient)[1]))
        return Untrusted(why)

    def _run(self, script: Script, recipient: str, arguments: Sequence[Any]) -> Any:
        """Run a script. Raise what MessageQueue raises."""
        keys = self._keys_of(recipient)

        def run() -> Any:
            from_here = [*self._writer_of(recipient), *arguments]
            return self._guarded(lambda: self._round_trips.run(script, keys, from_here))

        if (reply := run())[0] == b"stranger":
            self._found(recipient, reply[1].decode())
            if (reply := run())[0] == b"stranger":
                raise QueueUnavailable("a different Redis answers each time")
        return reply

    # A node of a cluster differs in these five: see cluster_queue.py.

    def _note_push(self, recipient: str) -> None:
        """Note a push, until MongoDB has confirmed that it went to the Redis in use."""
        self._unconfirmed.add(recipient)

    def _keys_of(self, recipient: str) -> list[str]:
        """Return the keys that every script gets."""
        return keys_of(recipient)

    def _probe_keys(self) -> list[str]:
        """Return the keys that a probe may write."""
        return keys_of("")

    def _writer_of(self, recipient: str) -> tuple[str, str]:
        """Return the identity and the epoch of the Redis that has this mailbox, as far as is known."""
        return self._writer

    def _found(self, recipient: str, identity: str) -> None:
        """Note that another Redis than was believed has this mailbox."""
        self._seen = identity  # a probe of a moment ago may have seen the former one
        if identity != self._writer[0]:  # else another request has found it meanwhile
            self._take_into_use(identity)

    def _take_into_use(self, identity: str) -> bool:
        """Trust only what was written in this Redis in its present epoch. Return whether it has changed."""
        writer, used = (identity, self._epoch_of(identity)), self._writer[0]
        is_another = used not in ("", identity)
        if is_another:
            log.warning("A different Redis is in use now: its queues are rebuilt")
            # Another worker may have rebuilt queues in this one before those pushes went to the former one.
            self._orphaned |= self._unconfirmed
            self._unconfirmed.clear()
        if writer != self._writer:
            self._writer = writer
            self._replaced()
        return is_another

    def _guarded(self, command: Callable[[], Any]) -> Any:
        """Run a command behind the breaker. Raise QueueUnavailable if Redis or the network fails."""
        self._require_closed()
        with self._gate:
            self._require_closed()  # earlier commands may have opened it during the wait
            try:
                answer = command()
            except self._not_failures:
                raise
            except redis.RedisError as error:
                self._note(error)
                raise QueueUnavailable(_reason(error)) from error
            self._breaker.succeeded()
            return answer

    def _require_closed(self) -> None:
        """Raise QueueUnavailable if the breaker is open."""
        if self._breaker.reason is not None:
            raise QueueUnavailable(f"{_reason(self._breaker.reason)} (circuit breaker is open)")

    def _note(self, error: Exception) -> None:
        """Report a failure to the breaker."""
        if isinstance(error, redis.MaxConnectionsError):
            return  # our own pool is busy: this is not a failure of Redis
        if isinstance(error, redis.ConnectionError | redis.TimeoutError):
            self._breaker.failed(error)
        else:  # Redis answers that it cannot do it: read-only, out of memory, not allowed
            self._breaker.open(error)


def script(name: str) -> str:
    """Return the Lua script of this name, with the files that come before it."""
    return "".join((_HERE / f"{part}.lua").read_text(encoding="utf-8") for part in (*_BEFORE[name], name))


def keys_of(recipient: str) -> list[str]:
    """Return the keys of a mailbox in a single Redis."""
    return [f"messages:{recipient}", f"head:{recipient}", "pushes"]


def decode_page(entries: bytes, recipient: str) -> list[Message]:
    """Return the messages of a JSON array of entries. Raise ValueError for a bad one or a gap."""
    try:
        found = from_entries(entries)
    except ValueError as error:
        raise ValueError(f"{error}: {_around(error, entries)!r}") from error
    for seq, message in enumerate(found, found[0].seq if found else 0):
        if message.recipient != recipient:
            raise ValueError(f"entry {message.seq} is a message to another recipient")
        if message.seq != seq:
            raise ValueError(f"entry {message.seq} follows entry {seq - 1}")
    return found


def _around(error: ValueError, text: bytes) -> bytes:
    """Return the part of a JSON text that an error is about, or its beginning."""
    place = re.search(r"\(byte (\d+)\)", str(error))
    begin = max(0, int(place[1]) - 60) if place else 0
    return text[begin : begin + 80]


def _reason(error: Exception) -> str:
    """Return the operating system's message, such as "Connection refused", without redis-py's prefix."""
    cause = error.__cause__ or error.__context__
    return (cause.strerror if isinstance(cause, OSError) else None) or str(error)
