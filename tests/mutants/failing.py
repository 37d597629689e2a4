"""Mutants of what happens while a store is away: answers, waits and breakers."""

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
from reference_server.blueprints import answers, messages
from reference_server.errors import StoreUnavailable, Unavailable
from reference_server.interfaces import Page
from reference_server.service import Messenger, Polled
from tests.mutants.registry import STORY, mutant

_look, _send, _operation, _answer = Messenger._look, Messenger.send, Mongo.operation, answers.answer
_read = Messenger._read

SLOW_S = 0.1
"""What a request may well take: it harms nobody who does not wait for others'."""
NOTHING = Polled(Page((), has_more=False, gap=False), "mongodb", degraded=True)


@mutant(row="POLL-08", promise="available", quick=True)
def internal_error_for_a_store():
    """A store that is away is answered as a bug of the server, 500."""
    errors.Unavailable.status = 500


@mutant(row="POLL-08", promise="available", replaces="service:Messenger._look")
def nothing_for_unavailable(self, mailbox, since_us, limit):
    """A poll that cannot be answered is answered 200, with nothing in it."""
    try:
        return _look(self, mailbox, since_us, limit)
    except Unavailable:
        return NOTHING


@mutant(row="POLL-08", promise="cursor")
def cursor_moved_on_failure():
    """A poll that cannot be answered is answered with nothing, and with the time as the next cursor."""

    def answer(body, status=200):
        is_failure = body.get("degraded") and not body.get("messages")
        return _answer(body | ({"next_since": body["timestamp"]} if is_failure else {}), status)

    Messenger._look, messages.answer = nothing_for_unavailable, answer


@mutant(row="POLL-07", promise="available", replaces="service:Messenger._read")
def degradation_denied(self, mailbox, cursor, limit):
    """Polls never say that they had to be answered by the store."""
    return replace(_read(self, mailbox, cursor, limit), degraded=False)


@mutant(
    row="CHAOS-20",
    promise=STORY,
    says="without an outcome",
    replaces="service:Messenger.send",
)
def outcome_not_told(self, *message):
    """A send that failed does not say what became of the message."""
    try:
        return _send(self, *message)
    except Unavailable as error:
        raise Unavailable(error.detail) from error


@mutant(row="ERR-03", promise="available")
def no_redis_timeout():
    """Redis may take as long as the driver lets it."""
    app.redis_queue.connect = lambda url, timeout_ms: redis.Redis.from_url(url, protocol=2)


def _connect_for_ever(url, timeout_ms):
    return redis.Redis.from_url(url, protocol=2, socket_timeout=None, socket_connect_timeout=None)


@mutant(row="ERR-03", promise="available")
def silent_redis_waited_for():
    """Redis may be silent for ever, and whoever asks it waits."""
    app.redis_queue.connect = _connect_for_ever


@mutant(row="CHAOS-09", promise="available")
def silent_redis_waited_for_again():
    """The same, in a row in which Redis is away twice."""
    app.redis_queue.connect = _connect_for_ever


@mutant(row="FLOW-02", promise="available", replaces="auth:Accounts._sign_in")
def sign_in_hangs(self, username, password, address):
    """Whoever signs in waits for ever."""
    threading.Event().wait()


@mutant(row="FLOW-02", promise="available", replaces="service:Messenger._read")
def more_promised_for_ever(self, mailbox, cursor, limit):
    """Each answer says that there is more."""
    polled = _read(self, mailbox, cursor, limit)
    return replace(polled, page=replace(polled.page, has_more=True))


@mutant(row="CHAOS-20", promise="available", replaces="adapters.mongo:Mongo.operation")
@contextmanager
def no_mongodb_timeout(self):
    """An operation on MongoDB may take as long as the driver lets it."""
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
    """A store that was away once is never asked again."""


@mutant(row="CHAOS-09", promise=STORY, says="lacks")
def redis_breaker_never_closes():
    """Redis is never used again after an outage, and nobody pushes what it misses."""
    close = CircuitBreaker.close
    CircuitBreaker.close = lambda self: None if self._store == "Redis" else close(self)


@mutant(row="FLOW-05", promise="available", replaces="adapters.mongo:Mongo.operation")
@contextmanager
def breaker_opens_on_a_full_pool(self):
    """That the server's own connections are all in use counts as a failure of MongoDB."""
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
    """One request at a time, also while the store takes its time."""
    lock = threading.RLock()

    def one_at_a_time(call):
        def locked(*arguments):
            with lock:
                time.sleep(SLOW_S)
                return call(*arguments)

        return locked

    Messenger.send, Messenger._look = one_at_a_time(_send), one_at_a_time(_look)
