"""The faults of a Redis's data, fake or real, for tests/contracts/mailbox_machine.py."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import redis

from reference_server.adapters.redis_notifier import parse_notice
from reference_server.known_heads import KnownHeads

LIST, HEAD = "messages:bob", "head:bob"
ANOTHER_PROCESS = "0" * 40

_DAMAGES: tuple[Callable[[redis.Redis], Any], ...] = (
    lambda client: client.lpush(LIST, "not JSON"),
    lambda client: client.lpop(LIST),
    lambda client: client.delete(HEAD),
    lambda client: client.delete(LIST),
    lambda client: client.exists(LIST) and client.lset(LIST, 0, '{"seq":2,"timestamp_us":2000,"broken'),
    lambda client: client.exists(LIST) and client.lset(LIST, -1, "not JSON"),
    lambda client: (client.delete(LIST), client.set(LIST, "a string")),
)


def take_notices(notices: Any, known_heads: KnownHeads) -> None:
    """Take the notices that have arrived, as the notifier does."""
    while message := notices.get_message():
        if message["type"] == "message":
            known_heads.noticed(*parse_notice(message["data"]))


class RedisData:
    """One database, by an `admin` client that nothing keeps out. Inherit it and add the faults."""

    is_read_only = False

    def __init__(self, admin: redis.Redis) -> None:
        self._admin = admin
        self._saved: dict[str, Any] = {}
        self._damages = itertools.cycle(_DAMAGES)

    def writable(self) -> None:
        """End being read-only, and nothing else."""
        raise NotImplementedError

    def empty(self) -> None:
        """As a restart does, which ends being read-only, too."""
        self.writable()
        self._admin.flushdb()

    def snapshot(self) -> None:
        self._saved = {key: self._admin.dump(key) for key in (LIST, HEAD) if self._admin.exists(key)}

    def restore(self) -> None:
        """As a restart does: another process has the data, so what they say of their writer is not true."""
        self.empty()
        for key, data in self._saved.items():
            self._admin.restore(key, 60_000, data)
        if HEAD in self._saved:
            for field in {b"writer", b"claim_writer"} & set(self._admin.hkeys(HEAD)):
                self._admin.hset(HEAD, field, ANOTHER_PROCESS)

    def switch(self) -> None:
        """One real Redis is not two: it is emptied, as another one may be empty."""
        self.empty()

    def damage(self) -> None:
        """By another client with the server's permissions."""
        if not self.is_read_only:
            self._one_damage(next(self._damages))

    def _one_damage(self, damage: Callable[[redis.Redis], Any]) -> None:
        try:
            damage(self._admin)
        except redis.ResponseError as error:  # the earlier damage has left another type
            if not str(error).startswith("WRONGTYPE"):
                raise

    def length(self) -> int:
        return int(self._admin.llen(LIST))
