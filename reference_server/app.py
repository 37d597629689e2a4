"""Wiring: which adapter implements which interface. There is no policy here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask
from limits.storage import MemoryStorage, Storage

from reference_server.adapters import mongo, redis_clients, redis_queue
from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.cluster_queue import ClusterQueue
from reference_server.adapters.cluster_topology import Topology, split_url
from reference_server.adapters.memory_counts import MemoryCounts
from reference_server.adapters.mongo_counts import MongoCounts
from reference_server.adapters.mongo_epochs import MongoEpochs
from reference_server.adapters.mongo_outbox import MongoOutbox
from reference_server.adapters.mongo_slot_owners import MongoSlotOwners
from reference_server.adapters.mongo_store import MongoStore
from reference_server.adapters.mongo_users import MongoUsers
from reference_server.adapters.redis_notifier import RedisNotifier, Subscriber
from reference_server.adapters.slot_owners import SlotOwners
from reference_server.auth import Accounts, Offload, Tokens
from reference_server.blueprints import answers, auth, health, messages, openapi, page, paths, requests
from reference_server.blueprints import metrics as metrics_page
from reference_server.blueprints.frame import Frame
from reference_server.blueprints.plain_polls import plain_polls
from reference_server.blueprints.plain_requests import PlainRequests
from reference_server.blueprints.plain_sends import plain_sends
from reference_server.catch_up import CatchUp
from reference_server.config import MAX_BODY_BYTES, Config
from reference_server.fair_queue import FairQueue
from reference_server.held_polls import HeldPolls
from reference_server.interfaces import MessageQueue, MessageStore, Notifier, Outbox, UserStore
from reference_server.known_heads import KnownHeads
from reference_server.metrics import Metrics
from reference_server.openapi import document
from reference_server.rate_limit import Registrations, Sends, SignInFailures
from reference_server.rechecks import Rechecks
from reference_server.relay import Relay
from reference_server.rhythm import Rhythm
from reference_server.service import Messenger
from reference_server.stale_queues import StaleQueues
from reference_server.store_url import is_cluster

_REDIS_FAILURES_TO_OPEN = 2
_MONGODB_FAILURES_TO_OPEN = 3
_MINUTE_S = 60


@dataclass(frozen=True)
class Adapters:
    """The implementations of the interfaces."""

    queue: MessageQueue
    store: MessageStore
    outbox: Outbox
    users: UserStore
    notifier: Notifier
    known_heads: KnownHeads
    """Kept right by the notifier."""
    failures: Storage = field(default_factory=MemoryStorage)
    """A storage of the library `limits`, with moving windows."""
    registrations: Storage = field(default_factory=MemoryStorage)
    """Another one."""


@dataclass(frozen=True)
class Server:
    """A wired server: the WSGI app, and the background work of its process."""

    app: Flask
    relay: Relay
    rechecks: Rechecks
    notifier: RedisNotifier

    def start(self) -> None:
        """Start the background work of this process."""
        self.relay.start()
        self.notifier.start()
        self.rechecks.start()


def create_server(config: Config, offload: Offload, metrics_folder: Path | None = None) -> Server:
    """Wire a server to Redis and MongoDB. Connect to neither: both may be down at the start."""
    metrics = Metrics(metrics_folder)
    database = mongo.Mongo(
        mongo.connect(config.mongodb_url, config.mongodb_timeout_ms),
        config.mongodb_database,
        CircuitBreaker("MongoDB", _MONGODB_FAILURES_TO_OPEN, metrics.breaker_moves("mongodb")),
        timeout_s=config.mongodb_timeout_ms / 1000,
    )
    known_heads = KnownHeads(time.monotonic)
    make = _cluster if is_cluster(config.redis_url) else _single_redis
    queue, subscriber = make(config, database, known_heads, metrics.breaker_moves("redis"))
    notifier = RedisNotifier(subscriber, known_heads)
    adapters = Adapters(
        queue=queue,
        store=MongoStore(database, window=config.queue_limit),
        outbox=MongoOutbox(database),
        users=MongoUsers(database),
        notifier=notifier,
        known_heads=known_heads,
        failures=MongoCounts(database, "sign_in_failures"),
        registrations=MongoCounts(database, "registrations"),
    )
    app, relay, rechecks = assemble(config, adapters, offload, metrics)
    return Server(app, relay, rechecks, notifier)


Moved = Callable[[bool], None]


def _single_redis(
    config: Config, database: mongo.Mongo, known_heads: KnownHeads, count: Moved
) -> tuple[MessageQueue, Subscriber]:
    """Return the queue in a single Redis, and the client for notices."""
    client = redis_clients.connect(config.redis_url, config.redis_timeout_ms, known_heads.unsubscribed)

    def moved(is_open: bool) -> None:
        known_heads.drop()
        count(is_open)

    queue = redis_queue.RedisQueue(
        client,
        CircuitBreaker("Redis", _REDIS_FAILURES_TO_OPEN, moved),
        MongoEpochs(database).epoch,
        limit=config.queue_limit,
        ttl_s=config.queue_ttl_seconds,
        replaced=known_heads.drop,
    )
    return queue, client


def _cluster(
    config: Config, database: mongo.Mongo, known_heads: KnownHeads, count: Moved
) -> tuple[MessageQueue, Subscriber]:
    """Return the queue in a Redis Cluster, which has no known heads, and what subscribes to its notices."""
    seeds, url_of = split_url(config.redis_url)
    topology = Topology(seeds, lambda node: redis_clients.connect(url_of(node), config.redis_timeout_ms))

    def make_breaker(node: str) -> CircuitBreaker:
        return CircuitBreaker(
            f"Redis {node}", _REDIS_FAILURES_TO_OPEN, lambda is_open: count(queue.breaker.is_open)
        )

    queue = ClusterQueue(
        topology,
        SlotOwners(MongoSlotOwners(database), MongoEpochs(database).epoch),
        make_breaker,
        limit=config.queue_limit,
        ttl_s=config.queue_ttl_seconds,
    )
    return queue, queue


def assemble(
    config: Config, adapters: Adapters, offload: Offload, metrics: Metrics | None = None
) -> tuple[Flask, Relay, Rechecks]:
    """Wire an app and its background work to any adapters. The default for `metrics` keeps them in memory."""
    metrics = metrics or Metrics()
    queue = metrics.timed("redis", adapters.queue)
    store, outbox, users = (
        metrics.timed("mongodb", adapters.store),
        metrics.timed("mongodb", adapters.outbox),
        metrics.timed("mongodb", adapters.users),
    )
    stale_queues = StaleQueues(time.monotonic)
    known_heads = adapters.known_heads
    catch_up = CatchUp(queue, store, known_heads, window=config.queue_limit)
    rhythm = Rhythm()
    rechecks = Rechecks(stale_queues, known_heads, adapters.notifier, rhythm)
    messenger = Messenger(
        queue,
        store,
        outbox,
        catch_up,
        stale_queues,
        known_heads,
        adapters.notifier,
        rechecks,
        rhythm,
        window_age_s=config.queue_ttl_seconds,
    )
    tokens = Tokens(config.secret_key, config.token_lifetime_seconds)
    failures = SignInFailures(
        adapters.failures,
        per_account=config.sign_in_failures_per_account,
        per_address=config.sign_in_failures_per_address,
    )
    registrations = Registrations(adapters.registrations, per_address=config.registrations_per_address)
    limits = Sends(
        MemoryCounts(window_s=_MINUTE_S),
        per_sender=config.sends_per_sender,
        per_address=config.sends_per_address,
    )
    accounts = Accounts(users, tokens, offload, FairQueue(config.hashing_queue), failures, registrations)

    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["MAX_FORM_PARTS"] = requests.MAX_FORM_FIELDS
    app.extensions["tokens"] = tokens
    app.extensions["trusted_proxies"] = config.trusted_proxies
    sends = messages.Sends(messenger, limits, metrics, config.message_limit)
    polls = messages.Polls(messenger, metrics, HeldPolls(config.held_polls_per_user), config.poll_interval_ms)
    plain = {"GET": plain_polls(polls), "POST": plain_sends(sends, trusted_proxies=config.trusted_proxies)}
    app.wsgi_app = Frame(PlainRequests(app.wsgi_app, tokens, plain), metrics)  # type: ignore[method-assign]  # as Flask's docs say
    answers.install(app)
    paths.install(app)
    app.register_blueprint(auth.blueprint(accounts))
    app.register_blueprint(messages.blueprint(messenger, accounts, sends, polls))
    app.register_blueprint(health.blueprint(queue, store, stale_queues))
    app.register_blueprint(metrics_page.blueprint(metrics, outbox, stale_queues))
    app.register_blueprint(openapi.blueprint(document(config)))
    app.register_blueprint(page.blueprint(message_limit=config.message_limit))
    return app, Relay(queue, store, outbox, catch_up, stale_queues, known_heads, rhythm), rechecks
