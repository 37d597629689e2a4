"""Mutants of what happens while a store is unavailable: answers, waits and breakers."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import redis
from pymongo import errors as mongo_errors

from reference_server import app, errors
from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.adapters.mongo import Mongo
from reference_server.blueprints.messages import Polls
from reference_server.errors import StoreUnavailable, Unavailable
from reference_server.interfaces import Page
from reference_server.service import Messenger, Polled
from tests.mutants.registry import STORY, mutant

_look, _send, _operation, _body = Messenger._look, Messenger.send, Mongo.operation, Polls.body
_read = Messenger._read

SLOW_S = 0.1
"""How long a request may take; this is harmless if requests do not wait for each other."""
NOTHING = Polled(Page((), has_more=False, gap=False), "mongodb", degraded=True)


@mutant(row="POLL-08", promise="available", quick=True)
def internal_error_for_a_store():
    """A store that is unavailable is answered with 500."""
    errors.Unavailable.status = 500


@mutant(row="POLL-08", promise="available", replaces="service:Messenger._look")
def nothing_for_unavailable(self, mailbox, since_us, limit):
    """A poll that cannot be answered is answered 200 and empty."""
    try:
        return _look(self, mailbox, since_us, limit)
    except Unavailable:
        return NOTHING


@mutant(row="POLL-08", promise="cursor")
def cursor_moved_on_failure():
    """A poll that cannot be answered is answered empty, with the current time as the next cursor."""

    def body(self, *asked):
        answer = _body(self, *asked)
        is_failure = answer["degraded"] and not answer["messages"]
        return answer | ({"next_since": answer["timestamp"]} if is_failure else {})

    Messenger._look, Polls.body = nothing_for_unavailable, body


@mutant(row="POLL-07", promise="available", replaces="service:Messenger._read")
def degradation_denied(self, mailbox, cursor, limit):
    """Polls never say that MongoDB had to answer them."""
    return replace(_read(self, mailbox, cursor, limit), degraded=False)


@mutant(
    row="CHAOS-20",
    promise=STORY,
    says="without an outcome",
    replaces="service:Messenger.send",
)
def outcome_not_told(self, *message):
    """The answer to a failed send does not say whether the message was stored."""
    try:
        return _send(self, *message)
    except Unavailable as error:
        raise Unavailable(error.detail) from error


@mutant(row="ERR-03", promise="available")
def no_redis_timeout():
    """Redis commands have no timeout but the driver's default."""
    app.redis_clients.connect = lambda url, timeout_ms, moved: redis.Redis.from_url(url, protocol=2)


def _connect_for_ever(url, timeout_ms, moved):
    return redis.Redis.from_url(url, protocol=2, socket_timeout=None, socket_connect_timeout=None)


@mutant(row="ERR-03", promise="available")
def silent_redis_waited_for():
    """A silent Redis is waited for without end."""
    app.redis_clients.connect = _connect_for_ever


@mutant(row="CHAOS-09", promise="available")
def silent_redis_waited_for_again():
    """The same, in a row in which Redis is away twice."""
    app.redis_clients.connect = _connect_for_ever


@mutant(row="FLOW-02", promise="available", replaces="auth:Accounts._sign_in")
def sign_in_hangs(self, username, password, address):
    """A sign-in is never answered."""
    threading.Event().wait()


@mutant(row="FLOW-02", promise="available", replaces="service:Messenger._read")
def more_promised_for_ever(self, mailbox, cursor, limit):
    """Every answer says `has_more`."""
    polled = _read(self, mailbox, cursor, limit)
    return replace(polled, page=replace(polled.page, has_more=True))


@mutant(row="CHAOS-20", promise="available", replaces="adapters.mongo:Mongo.operation")
@contextmanager
def no_mongodb_timeout(self):
    """MongoDB operations have no timeout but the driver's default."""
    try:
        yield
    except mongo_errors.PyMongoError as error:
        raise StoreUnavailable(f"MongoDB: {error}") from error


@mutant(
    row="ERR-04",
    promise="available",
    replaces="adapters.circuit_breaker:CircuitBreaker.close",
)
def breaker_never_closes(self):
    """A store that was unavailable once is never used again."""


@mutant(row="CHAOS-09", promise=STORY, says="lacks")
def redis_breaker_never_closes():
    """Redis is never used again after an outage, and what it misses is not pushed."""
    close = CircuitBreaker.close
    CircuitBreaker.close = lambda self: None if self._store == "Redis" else close(self)


@mutant(row="FLOW-05", promise="available", replaces="adapters.mongo:Mongo.operation")
@contextmanager
def breaker_opens_on_a_full_pool(self):
    """A pool whose connections are all in use counts as a failure of MongoDB."""
    mine, users = threading.get_ident(), self.__dict__.setdefault("users", [])
    if any(user != mine for user in users):
        self.breaker.open(mongo_errors.WaitQueueTimeoutError("the one connection is in use"))
        raise StoreUnavailable("MongoDB: every connection is in use")
    users.append(mine)
    try:
        with _operation(self):
            yield
    finally:
        users.remove(mine)


@mutant(row="FLOW-05", promise="available")
def lock_held_over_the_store():
    """Only one request at a time is served, also while it waits for the store."""
    lock = threading.RLock()

    def one_at_a_time(call):
        def locked(*arguments):
            with lock:
                time.sleep(SLOW_S)
                return call(*arguments)

        return locked

    Messenger.send, Messenger._look = one_at_a_time(_send), one_at_a_time(_look)
