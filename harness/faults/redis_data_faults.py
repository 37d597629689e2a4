"""Faults of the data in Redis: nonsense is written where a mailbox's queue is.

Only for servers that keep their queues where the contract says: a list `messages:{username}`, newest first.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import redis

from harness.faults.fault import Breakage, Fault, Observation, nothing
from harness.faults.redis_faults import RedisFaults
from harness.stack.probe import Sighting

DAMAGE_EVERY_S = 0.5
DAMAGE_WITHIN_S = 2.0
LIVES_MS = 3_600_000
"""What is written where no key was: as long as a server may keep a queue that no one uses."""
NONSENSE = ("not json at all", '{"seq":', '{"message": 1}', "[]", "\x00\xff")

Damage = Callable[[redis.Redis, str], str]


def queue_key(mailbox: str) -> str:
    """Return the key of a mailbox's queue (contract: Storage)."""
    return f"messages:{mailbox}"


class RedisDataFaults(RedisFaults):
    """Damage that is done again and again while the context lasts, because the server repairs it.

    Each time the damage and a read that proves it are one transaction.
    """

    def redis_wrong_type(self, mailboxes: Sequence[str]) -> AbstractContextManager[Fault]:
        """In place of each mailbox's list there is a string, then a hash."""
        types = itertools.cycle(("string", "hash"))

        def damage(client: redis.Redis, key: str) -> str:
            wanted, lives_ms = next(types), _time_to_live_ms(client, key)
            with client.pipeline(transaction=True) as transaction:
                transaction.delete(key)
                if wanted == "string":
                    transaction.set(key, "a string")
                else:
                    transaction.hset(key, "field", "value")
                if lives_ms is not None:
                    transaction.pexpire(key, lives_ms)
                transaction.type(key)
                return "the wrong type" if transaction.execute()[-1] == wanted else "a list"

        return self._damaging(Fault("redis", "wrong type"), mailboxes, damage, "the wrong type")

    def redis_not_json(self, mailboxes: Sequence[str]) -> AbstractContextManager[Fault]:
        """Queues have entries that are not messages: a new one first, or in place of one of the messages."""
        places = itertools.cycle(("before", "newest", "oldest", "between", "between"))
        nonsense = itertools.cycle(NONSENSE)

        def damage(client: redis.Redis, key: str) -> str:
            place, entry = next(places), next(nonsense)
            index = {"between": int(client.llen(key)) // 2, "oldest": -1}.get(place, 0)
            with client.pipeline(transaction=True) as transaction:
                if place == "before":
                    transaction.lpush(key, entry)
                else:
                    transaction.lset(key, index, entry)
                transaction.lindex(key, index)
                return "nonsense" if transaction.execute()[-1] == entry else "an entry"

        return self._damaging(Fault("redis", "not JSON"), mailboxes, damage, "nonsense")

    def _damaging(
        self, fault: Fault, mailboxes: Sequence[str], damage: Damage, shows: str
    ) -> AbstractContextManager[Fault]:
        self._services.own_redis()
        probe = self._probe(fault)

        def look() -> Sighting:
            with self._redis() as client:
                seen = {_damage_once(client, queue_key(mailbox), damage) for mailbox in mailboxes}
            return Sighting(shows if seen == {shows} else ", ".join(sorted(seen)), 0.0)

        health, proof = Observation(probe.look, "answered"), Observation(look, shows)
        return self.lasting(Breakage(fault, health, proof, nothing, nothing, DAMAGE_EVERY_S))


def _time_to_live_ms(client: redis.Redis, key: str) -> int | None:
    """Return how long what takes the place of a key lives; None where the server has left it without an end.

    As long as the key would have: no server repairs a mailbox that it knows to be empty and need not read.
    """
    left_ms = int(client.pttl(key))
    absent, for_ever = -2, -1
    return None if left_ms == for_ever else LIVES_MS if left_ms == absent else max(left_ms, 1)


def _damage_once(client: redis.Redis, key: str, damage: Damage) -> str:
    """Do the damage once; try again if the list is absent because the server is just rebuilding it."""
    deadline = time.monotonic() + DAMAGE_WITHIN_S
    while True:
        try:
            return damage(client, key)
        except redis.ResponseError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
