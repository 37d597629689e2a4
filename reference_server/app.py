"""Wiring: which adapter stands behind which interface. Nothing here decides anything."""

from __future__ import annotations

import time
from dataclasses import dataclass

from flask import Flask

from reference_server.adapters import mongo_store, redis_queue
from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.auth import Accounts, Tokens
from reference_server.blueprints import answers, auth, health, messages
from reference_server.catch_up import CatchUp
from reference_server.config import MAX_BODY_BYTES, Config
from reference_server.debts import Debts
from reference_server.interfaces import MessageQueue, MessageStore, UserStore
from reference_server.repair import Repairer
from reference_server.service import Messenger

_REDIS_FAILURES_TO_OPEN = 2
_MONGODB_FAILURES_TO_OPEN = 3


@dataclass(frozen=True)
class Server:
    """A wired server: the WSGI app, and the repairer that an entry point starts."""

    app: Flask
    repairer: Repairer


def create_server(config: Config) -> Server:
    """Wire a server to Redis and MongoDB. Connects to neither: both may be down at the start."""
    queue = redis_queue.RedisQueue(
        redis_queue.connect(config.redis_url, config.redis_timeout_ms),
        CircuitBreaker("Redis", _REDIS_FAILURES_TO_OPEN),
        limit=config.queue_limit,
        ttl_s=config.queue_ttl_seconds,
    )
    client = mongo_store.connect(config.mongodb_url, config.mongodb_timeout_ms)
    store = mongo_store.MongoStore(
        client[config.mongodb_database],
        CircuitBreaker("MongoDB", _MONGODB_FAILURES_TO_OPEN),
        timeout_s=config.mongodb_timeout_ms / 1000,
        window=config.queue_limit,
    )
    return assemble(config, queue, store, store)


def assemble(config: Config, queue: MessageQueue, store: MessageStore, users: UserStore) -> Server:
    """Wire a server to any adapters."""
    debts = Debts(time.monotonic)
    catch_up = CatchUp(queue, store, window=config.queue_limit)
    messenger = Messenger(queue, store, catch_up, debts, window_age_s=config.queue_ttl_seconds)
    tokens = Tokens(config.secret_key, config.token_lifetime_seconds)
    accounts = Accounts(users, tokens)

    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.extensions["tokens"] = tokens
    answers.install(app)
    app.register_blueprint(auth.blueprint(accounts))
    app.register_blueprint(
        messages.blueprint(
            messenger,
            accounts,
            message_limit=config.message_limit,
            poll_interval_ms=config.poll_interval_ms,
        )
    )
    app.register_blueprint(health.blueprint(queue, store, debts))
    return Server(app, Repairer(queue, store, catch_up, debts))
