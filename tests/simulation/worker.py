"""One worker: the server's own parts, wired as in reference_server/app.py, on the stores in memory."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from reference_server.adapters import (
    mongo,
    mongo_epochs,
    mongo_outbox,
    mongo_store,
    redis_notifier,
    redis_queue,
)
from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.catch_up import CatchUp
from reference_server.known_heads import KnownHeads
from reference_server.rechecks import Rechecks
from reference_server.relay import Relay
from reference_server.rhythm import Rhythm
from reference_server.service import Messenger
from reference_server.stale_queues import StaleQueues
from tests.simulation.hub import Event, Hub
from tests.simulation.redis_client import Inbox

MONTH_S = 30 * 24 * 3600
TIMEOUT_S = 0.45


class Worker:
    """A process with its memory. `log` stands for it: see hub.Process."""

    def __init__(
        self, hub: Hub, name: str, redis: Any, mongo_client: Any, inbox: Inbox, *, window: int
    ) -> None:
        self.name = name
        self.is_dead = False
        self.log = 0
        self.inbox = inbox
        self.started = Event(hub)
        database = mongo.Mongo(mongo_client, "chat", CircuitBreaker("MongoDB", 3), timeout_s=TIMEOUT_S)
        heads = KnownHeads(lambda: hub.now_s)
        queue = redis_queue.RedisQueue(
            redis,
            CircuitBreaker("Redis", 2, lambda is_open: heads.drop()),
            mongo_epochs.MongoEpochs(database).epoch,
            limit=window,
            ttl_s=MONTH_S,
            replaced=heads.drop,
        )
        parts = {
            "queue": queue,
            "store": mongo_store.MongoStore(database, window=window),
            "outbox": mongo_outbox.MongoOutbox(database),
            "known_heads": heads,
            "notifier": redis_notifier.RedisNotifier(redis, heads),
            "window": window,
            "window_age_s": MONTH_S,
            "monotonic": lambda: hub.now_s,
            "now_us": lambda: hub.wall_us,
        }
        parts["stale_queues"] = _made(StaleQueues, parts)
        parts["catch_up"] = _made(CatchUp, parts)
        parts["rhythm"] = _made(Rhythm, parts)
        parts["rechecks"] = _made(Rechecks, parts)
        self.messenger = _made(Messenger, parts)
        self.relay = _made(Relay, parts)
        self._background = [self.relay, parts["rechecks"], parts["notifier"]]

    @property
    def memory(self) -> object:
        """Return all that the process holds; nothing, once it was killed."""
        return self.name if self.is_dead else (self.name, self.started, self.messenger, self._background)

    def start(self) -> None:
        """Do what a worker does before it takes requests."""
        for each in self._background:
            each.start()
        self.started.set()

    def is_well(self) -> bool:
        """Return whether it gets notices, and its relay has nothing left to do."""
        return self.inbox.is_open and not self.relay.has_work()


def _made(kind: Any, parts: dict[str, Any]) -> Any:
    """Return one, made of the parts whose names its parameters have."""
    return kind(**{name: parts[name] for name in _parameters(kind) if name in parts})


@functools.cache
def _parameters(kind: Any) -> list[str]:
    return list(inspect.signature(kind).parameters)
