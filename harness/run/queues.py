"""The queues as they are in Redis (contract: Storage)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis

from harness.errors import InfrastructureError
from harness.run.recorded import Acked, missing_of

ANSWERS_WITHIN_S = 5.0
NO_TTL = -1
NAMED_KEYS = 10


class Queues:
    """The lists `messages:{username}` of the Redis at `url`, newest first, at most `limit` entries each."""

    def __init__(self, url: str, *, limit: int) -> None:
        self._url = url
        self._limit = limit

    def wrong(self, mailbox: str, acked: Sequence[Acked]) -> str:
        """Return what is wrong with a queue in one sentence, or ''. `acked` are its messages, in any order.

        A right queue is a list with a TTL that holds only messages, and every acked one unless it is full.
        Where no message was acked, a key of another type is not the server's: it need not read a mailbox that
        it knows to be empty.
        """
        key = f"messages:{mailbox}"
        with self._redis() as client:
            kind = str(client.type(key))
            if kind != "list":
                return f"{key} is of the type {kind}, not a list" if acked else ""
            entries = [str(entry) for entry in client.lrange(key, 0, -1)]
            expires_in_s = int(client.ttl(key))
        if len(entries) > self._limit:
            return f"{key} has {len(entries)} entries, more than {self._limit}"
        if expires_in_s < 0:
            return f"{key} has no TTL"
        kept, others = _texts(entries)
        if others:
            return f"{key} has an entry that is not a message: {others[0][:60]!r}"
        missing = missing_of(acked, kept)
        if missing and len(entries) < self._limit:
            such_as = repr(missing[0].content[:60])
            return f"{key} lacks {len(missing)} of {len(acked)} acked messages, such as {such_as}"
        return ""

    def look(self, mailbox: str) -> dict[str, Any]:
        """Return the fields of a `queue` event for a queue as it is now."""
        key = f"messages:{mailbox}"
        with self._redis() as client:
            kind = str(client.type(key))
            length = int(client.llen(key)) if kind == "list" else 0
            return {"key": key, "type": kind, "length": length, "ttl_ms": int(client.pttl(key))}

    def look_at_all_keys(self) -> dict[str, Any]:
        """Return the fields of a `keys` event for all keys of this Redis as they are now."""
        count, without_ttl = 0, list[str]()
        with self._redis() as client:
            for key in client.scan_iter(count=1000):
                count += 1
                if client.ttl(key) == NO_TTL:
                    without_ttl.append(str(key))
        return {"count": count, "without_ttl": len(without_ttl), "named": sorted(without_ttl)[:NAMED_KEYS]}

    @contextmanager
    def _redis(self) -> Iterator[redis.Redis]:
        try:
            with redis.Redis.from_url(
                self._url, socket_timeout=ANSWERS_WITHIN_S, decode_responses=True, encoding_errors="replace"
            ) as client:
                yield client
        except redis.RedisError as error:
            raise InfrastructureError(f"The queues in Redis cannot be read: {error}.") from error


def _texts(entries: Iterable[str]) -> tuple[list[frozenset[str]], list[str]]:
    """Return the texts in each entry, an object or an array, and the entries that are not messages."""
    kept: list[frozenset[str]] = []
    others: list[str] = []
    for entry in entries:
        try:
            fields: Any = json.loads(entry)
        except (ValueError, RecursionError):
            fields = None
        values = fields.values() if isinstance(fields, dict) else fields if isinstance(fields, list) else ()
        texts = [value for value in values if isinstance(value, str)]
        kept.append(frozenset(texts))
        if len(texts) < 2:
            others.append(entry)
    return kept, others
