"""The stores in memory, the workers on them, and what happens to them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.simulation import mongo_client, redis_client
from tests.simulation.canonical import Walk
from tests.simulation.history import History
from tests.simulation.hub import Actor, Hub, Step
from tests.simulation.mongo_client import Collection, Database, MongoClient
from tests.simulation.mongo_server import MongoServer
from tests.simulation.network import Network
from tests.simulation.primitives import Running
from tests.simulation.redis_client import Inbox, RedisClient
from tests.simulation.redis_server import RedisServer
from tests.simulation.trace import HEALED
from tests.simulation.worker import Worker

USERS = ("alice", "carol", "bob")
HEAL_S = 0.25
"""In this time a relay makes at least one step."""
MOST_HEAL_S = 8.0
"""A suspected mailbox is looked at for 5 s."""
Answer = TypeVar("Answer")
Choose = Callable[[Hub, Sequence[Step]], int]


class Cut(Exception):
    """The worker was killed before it answered."""


@dataclass(frozen=True)
class Setting:
    """How large a world is, and what may go wrong in it by itself."""

    workers: int = 2
    window: int = 3
    redis_faults: tuple[str, ...] = ()
    mongo_faults: tuple[str, ...] = ()
    notices_get_lost: bool = False
    mongodb_lags: bool = False


class World:
    """One execution: `hub` runs it. Its workers have started, and nothing is chosen yet."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.hub = Running.hub = Hub()
        self.history = History()
        self.redis = RedisServer(lambda channel, text: self._publish(self.redis, text))
        self.promoted: RedisServer | None = None
        """Another primary, beside the first."""
        self.redis.has_moved = self._break_subscriptions
        self.mongo = MongoServer(lags=setting.mongodb_lags)
        self.mongo.applied["users"] = {name: {"_id": name} for name in USERS}
        self.mongo.committing()()
        self._inboxes: list[Inbox] = []
        self._clients: list[RedisClient] = []
        self.to_redis = Network(self.hub, "Redis", redis_client.ERRORS, setting.redis_faults)
        self.to_mongo = Network(self.hub, "MongoDB", mongo_client.ERRORS, setting.mongo_faults)
        self._count = 0
        self.workers = [self._new_worker() for _ in range(setting.workers)]
        self.hub.run(until=self._have_started)

    def _new_worker(self) -> Worker:
        self._count += 1
        inbox = Inbox(self.hub, self.to_redis, may_lose=self.setting.notices_get_lost)
        self._inboxes.append(inbox)
        redis = RedisClient(self.hub, self.to_redis, self.promoted or self.redis, inbox)
        self._clients.append(redis)
        mongo = MongoClient(self.hub, self.to_mongo, self.mongo)
        worker = Worker(self.hub, f"w{self._count}", redis, mongo, inbox, window=self.setting.window)
        starting = self.hub.spawn(f"start of {worker.name}", worker.start, worker)
        starting.is_background = True
        return worker

    def _have_started(self) -> bool:
        return all(worker.started.is_set() for worker in self.workers) and not any(
            actor.can_run for actor in self.hub.actors if not actor.is_done
        )

    # -- what clients do

    def request(self, number: int, what: Callable[[Worker], Answer]) -> Answer:
        """Let a worker do something in the current actor. Raise Cut if it is killed."""
        worker = self.workers[number % len(self.workers)]
        actor = self.hub.actor
        actor.process = worker
        try:
            worker.started.wait()
            return what(worker)
        except BaseException as error:
            if worker.is_dead and not self.hub.is_over:
                raise Cut from error
            raise
        finally:
            actor.process = None
            actor.answers = 0

    def stored(self, mailbox: str) -> int:
        """Return how many messages of a mailbox MongoDB has."""
        found = self.mongo.applied.get("messages", {}).values()
        return sum(document["recipient"] == mailbox for document in found)

    # -- what happens to workers and stores

    def crash(self, number: int) -> None:
        """Kill a worker; another one starts in its place."""
        worker = self.workers[number]
        worker.is_dead = True
        worker.inbox.close()
        self.hub.note(f"{worker.name} is killed")
        self.workers[number] = self._new_worker()

    def step_back(self, by_us: int) -> None:
        """Put the clock of the machines back; what measures durations goes on."""
        self.hub.wall_us -= by_us

    def promote(self) -> None:
        """Let the replica be a primary, too: no worker uses it until it is moved there."""
        self.promoted = other = self.redis.promoted(lambda channel, text: self._publish(other, text))

    def move(self, number: int) -> None:
        """Let a worker hear of the promoted Redis, and use it."""
        assert self.promoted is not None
        self._clients[number].move(self.promoted)

    def _publish(self, server: RedisServer, text: bytes) -> None:
        for client in self._clients:
            client.notice(server, text)

    def _break_subscriptions(self) -> None:
        for inbox in self._inboxes:
            inbox.break_off()

    # -- the end

    def run(self, choose: Choose | None = None) -> None:
        """Run until all clients and faults are at their end."""
        self.hub.choose = choose
        self.hub.run(until=lambda: all(actor.is_done or actor.is_background for actor in self.hub.actors))

    def heal(self) -> None:
        """End all faults, and let the relays do their work."""
        self.hub.note(HEALED)
        self.hub.choose = None
        for network in (self.to_redis, self.to_mongo):
            network.end_faults()
        self.pass_time(HEAL_S, lambda: all(worker.is_well() for worker in self.workers))

    def pass_time(self, at_least_s: float, is_settled: Callable[[], bool] = lambda: True) -> None:
        """Let time pass until that is so, too, but not for ever."""
        began_s = self.hub.now_s

        def until() -> bool:
            passed_s = self.hub.now_s - began_s
            return (passed_s >= at_least_s and is_settled()) or passed_s > MOST_HEAL_S

        self.hub.run(until)

    def in_an_actor(self, name: str, what: Callable[[], Any]) -> None:
        """Run a client to its end, by the default choices."""
        actor = self.hub.spawn(name, what)
        self.hub.run(until=lambda: actor.is_done)

    def state(self) -> int:
        """Return what decides how the execution goes on: the same, whatever order of steps has led to it."""
        walk = Walk(_apart)
        memories = [walk(worker.memory) for worker in self.workers]
        return hash((*memories, self.hub.state(walk), walk(self.history), *self._stores()))

    def fingerprint(self) -> int:
        """Return what decides how the execution goes on: all that was learnt, in its order."""
        return hash(
            (
                self.hub.fingerprint(),
                self.history.fingerprint(),
                tuple((worker.name, worker.is_dead or worker.log) for worker in self.workers),
                *self._stores(),
            )
        )

    def end(self) -> tuple[object, ...]:
        """Return the state at the end of an execution, and what the clients and the stores have, in words."""
        stored = self.mongo.applied, sorted(self.redis.data.items())
        return self.state(), self.hub.clock, repr(self.history), repr(stored)

    def _stores(self) -> tuple[object, ...]:
        """Return what is in the stores, and on its way from them."""
        return (
            self.redis.fingerprint(),
            self.promoted and self.promoted.fingerprint(),
            tuple(client.server is self.redis for client in self._clients),
            self.mongo.fingerprint(),
            tuple(inbox.fingerprint() for inbox in self._inboxes),
            self.to_redis.is_down,
            self.to_mongo.is_down,
        )


_STORES = (RedisServer, MongoServer, RedisClient, MongoClient, Collection, Database, Network, Inbox)


def _apart(value: Any) -> object | None:
    """Return what stands for an object that is not walked through: see Walk."""
    if isinstance(value, Actor | Worker):
        return type(value).__name__, value.name
    return type(value).__name__ if isinstance(value, (*_STORES, Hub, World, logging.Logger)) else None
