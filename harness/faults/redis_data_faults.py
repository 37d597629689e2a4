"""What can befall the data in Redis: somebody writes nonsense where a mailbox's queue is.

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

STRIKE_EVERY_S = 0.5
STRIKE_WITHIN_S = 2.0
NONSENSE = ("not json at all", '{"seq":', '{"message": 1}', "[]", "\x00\xff")

Strike = Callable[[redis.Redis, str], str]


def queue_key(mailbox: str) -> str:
    """Where a mailbox's queue is (contract: Storage)."""
    return f"messages:{mailbox}"


class RedisDataFaults(RedisFaults):
    """The server repairs this damage, so it is done again and again while the context lasts.

    Each stroke reads back, in one transaction with the damage, that it is there.
    """

    def redis_wrong_type(self, mailboxes: Sequence[str]) -> AbstractContextManager[Fault]:
        """A string, then a hash, is where each mailbox's list belongs."""
        types = itertools.cycle(("string", "hash"))

        def strike(client: redis.Redis, key: str) -> str:
            wanted = next(types)
            with client.pipeline(transaction=True) as transaction:
                transaction.delete(key)
                if wanted == "string":
                    transaction.set(key, "a string")
                else:
                    transaction.hset(key, "field", "value")
                transaction.type(key)
                return "the wrong type" if transaction.execute()[-1] == wanted else "a list"

        return self._striking(Fault("redis", "wrong type"), mailboxes, strike, "the wrong type")

    def redis_not_json(self, mailboxes: Sequence[str]) -> AbstractContextManager[Fault]:
        """Entries that are no messages: before the newest, instead of it, of the oldest, of one between."""
        places = itertools.cycle(("before", "newest", "oldest", "between", "between"))
        nonsense = itertools.cycle(NONSENSE)

        def strike(client: redis.Redis, key: str) -> str:
            place, entry = next(places), next(nonsense)
            index = {"between": int(client.llen(key)) // 2, "oldest": -1}.get(place, 0)
            with client.pipeline(transaction=True) as transaction:
                if place == "before":
                    transaction.lpush(key, entry)
                else:
                    transaction.lset(key, index, entry)
                transaction.lindex(key, index)
                return "nonsense" if transaction.execute()[-1] == entry else "an entry"

        return self._striking(Fault("redis", "not JSON"), mailboxes, strike, "nonsense")

    def _striking(
        self, fault: Fault, mailboxes: Sequence[str], strike: Strike, shows: str
    ) -> AbstractContextManager[Fault]:
        self._services.own_redis()
        probe = self._probe(fault)

        def look() -> Sighting:
            with self._redis() as client:
                seen = {_struck(client, queue_key(mailbox), strike) for mailbox in mailboxes}
            return Sighting(shows if seen == {shows} else ", ".join(sorted(seen)), 0.0)

        health, proof = Observation(probe.look, "answered"), Observation(look, shows)
        return self.lasting(Breakage(fault, health, proof, nothing, nothing, STRIKE_EVERY_S))


def _struck(client: redis.Redis, key: str, strike: Strike) -> str:
    """One stroke; again where the list is away for a moment, because the server is just rebuilding it."""
    deadline = time.monotonic() + STRIKE_WITHIN_S
    while True:
        try:
            return strike(client, key)
        except redis.ResponseError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
