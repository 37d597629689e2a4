"""Mutants of the queue in Redis, and of what brings it up to date."""

from __future__ import annotations

import logging
import time

from reference_server import app
from reference_server.adapters import redis_clients, redis_queue
from reference_server.adapters.mongo_epochs import MongoEpochs
from reference_server.adapters.mongo_store import MongoStore
from reference_server.adapters.redis_queue import RedisQueue
from reference_server.errors import Failure, QueueUnavailable
from reference_server.interfaces import Cursor, Incomplete, Page, Untrusted
from reference_server.message import from_entry
from reference_server.relay import Relay
from reference_server.service import Messenger
from tests.mutants.naive_queue import NaiveQueue
from tests.mutants.parts import change_script
from tests.mutants.registry import STORY, mutant

log = logging.getLogger(__name__)
_read, _step = RedisQueue.read, Relay.step
_read_queue = Messenger._read_queue
_connect, _tail = redis_clients.connect, MongoStore.tail

LAG_US = 60_000_000
QUIET_STEPS = 6
"""A push this many steps after the heal comes behind newer messages."""
LATE_STEPS = 28
"""And this many are seven seconds: 2 to recover, 2 until the next poll, 2.5 in which that had to bring it."""


@mutant(row="ERR-02", promise="no-loss", replaces="service:Messenger._push_or_record")
def push_failure_swallowed(self, message):
    """A push that failed is logged and forgotten: the list looks complete without its last message."""
    try:
        self._catch_up.push(message.recipient, [message])
    except Failure as failure:
        log.error("Redis error sending message: %s", failure)
        return False
    return True


@mutant(row="CHAOS-19", promise=STORY, says="lacks", replaces="relay:Relay._push_pending")
def outbox_never_drained(self, pending):
    """Pushes that failed are recorded in the outbox, and never done."""
    return False


@mutant(row="ERR-02", promise="order")
def relay_out_of_order():
    """What could not be pushed is pushed when Redis is back, after what was sent since."""
    failed, quiet = [], [0]

    def queue_it(self, message):
        try:
            self._queue.push(message.recipient, [message])
        except QueueUnavailable:
            failed.append(message)
            return False
        return True

    def step(self):
        more = _step(self)
        quiet[0] = 0 if self._queue.breaker.is_open else quiet[0] + 1
        while failed and quiet[0] > QUIET_STEPS:
            self._queue.push(failed[0].recipient, [failed[0]])
            del failed[0]
        return more

    app.redis_queue.RedisQueue = NaiveQueue
    Messenger._push_or_record, Relay.step, Relay._push_pending = queue_it, step, lambda self, pending: False


@mutant(row="ERR-02", promise="recovers")
def relay_too_late():
    """What could not be pushed is pushed seconds after Redis is back; until then the list is trusted."""
    failed, quiet = [], [0]

    def queue_it(self, message):
        try:
            self._catch_up.push(message.recipient, [message])
        except Failure:
            failed.append(message)
            return False
        return True

    def step(self):
        quiet[0] = 0 if self._queue.breaker.is_open else quiet[0] + 1
        while failed and quiet[0] > LATE_STEPS:
            message = failed.pop()
            self._catch_up.push(message.recipient, [message])
        return _step(self)

    Messenger._push_or_record, Relay.step = queue_it, step


@mutant(row="CHAOS-06", promise="no-duplicate")
def retry_queued_twice():
    """A retry that finds its message stored pushes it to the queue again."""
    app.redis_queue.RedisQueue = NaiveQueue


@mutant(row="FLOW-02", promise="no-loss")
def destructive_read():
    """A poll removes what it returns from the queue."""

    class Taking(NaiveQueue):
        def read(self, recipient, cursor, limit):
            page = super().read(recipient, cursor, limit)
            self._client.ltrim(f"messages:{recipient}", 0, -1 - len(page.messages))
            return page

    app.redis_queue.RedisQueue = Taking


@mutant(row="CHAOS-05", promise="no-loss", replaces="adapters.redis_queue:RedisQueue.read")
def trim_without_fallback(self, recipient, cursor, limit):
    """A cursor older than the queue is answered by the queue, without what was trimmed."""
    found = _read(self, recipient, cursor, limit)
    if isinstance(found, Incomplete):
        found = _read(self, recipient, Cursor(cursor.since_us, given=False), limit)
    return found


@mutant(row="CHAOS-13", promise="no-loss", replaces="adapters.redis_queue:RedisQueue.read")
def missing_list_believed(self, recipient, cursor, limit):
    """If there is no list, the mailbox is taken to be empty."""
    found = _read(self, recipient, cursor, limit)
    return Page((), has_more=False, gap=False) if found == Untrusted("cold") else found


@mutant(row="CHAOS-13", promise="no-loss", replaces="adapters.mongo_store:MongoStore.tail")
def queue_rebuilt_from_a_stale_read(self, recipient, limit):
    """The URL's read preference wins: a queue is rebuilt from a secondary that is a minute behind."""
    held = _tail(self, recipient, limit)
    until_us = time.time_ns() // 1000 - LAG_US
    return held if limit == 1 else [message for message in held if message.timestamp_us < until_us]


@mutant(row="FLOW-01", promise="available", replaces="adapters.redis_clients:connect")
def answers_of_redis_decoded(url, timeout_ms, moved):
    """The URL's decode_responses wins: Redis's answers are text where the server reads bytes."""
    client = _connect(url, timeout_ms, moved)
    client.connection_pool.connection_kwargs["decode_responses"] = True
    return client


@mutant(row="CHAOS-14", promise="no-loss")
def snapshot_believed():
    """A list that came back from a snapshot is trusted."""
    change_script("read", "if record[1] ~= writer then return 'written before another Redis was in use' end")


@mutant(row="DURABLE-05", promise="no-phantom", replaces="service:Messenger._read_queue")
def complete_snapshot_believed(self, mailbox, cursor, limit):
    """A list that came back from a snapshot is trusted if it lacks no message."""
    self._queue.read(mailbox, cursor, limit)  # so that the writer is known
    client, newest = self._queue._client, self._store.tail(mailbox, 1)
    if newest and client.hget(f"head:{mailbox}", "seq") == str(newest[0].seq).encode():
        client.hset(f"head:{mailbox}", "writer", " ".join(self._queue._writer))
    return _read_queue(self, mailbox, cursor, limit)


@mutant(row="CHAOS-32", promise="no-loss")
def run_id_alone_believed():
    """A list is trusted if this process of Redis wrote it, even if another one was in use since."""
    script = redis_queue.script
    together = "run_id .. ' ' .. replid"
    redis_queue.script = lambda name: script(name).replace(together, "run_id")
    MongoEpochs.epoch = lambda self, identity: "the only one"


@mutant(row="CHAOS-32", promise="no-loss", replaces="adapters.mongo_epochs:MongoEpochs.epoch")
def return_unnoticed(self, identity):
    """A Redis that comes back unchanged is trusted, although another one was in use meanwhile."""
    return "the only one"


@mutant(row="CHAOS-33", promise="available")
def denied_command_is_an_error():
    """A command that Redis denies is answered with 500."""
    guarded = RedisQueue._guarded

    def unguarded(self, command):
        try:
            return guarded(self, command)
        except QueueUnavailable as error:
            if "permission" in str(error):
                raise RuntimeError(str(error)) from error
            raise

    RedisQueue._guarded = unguarded


@mutant(row="FLOW-02", promise="bounded", quick=True)
def no_ttl():
    """Lists live forever."""
    change_script("push", "redis.call('PEXPIRE', list, ttl_ms)")


@mutant(row="CHAOS-05", promise="bounded")
def queue_without_bound():
    """Lists are never trimmed."""
    change_script("push", "redis.call('LTRIM', list, 0, limit - 1)")


@mutant(row="CHAOS-18", promise="available", replaces="adapters.redis_queue:RedisQueue._distrust")
def bad_entry_is_an_error(self, recipient, why):
    """A list with an entry that is not a message makes every poll of it fail."""
    raise RuntimeError(why)


@mutant(row="CHAOS-18", promise="no-loss")
def bad_entry_stops_the_page():
    """A page ends before an entry that is not a message, and so does every later one."""

    class Stopping(NaiveQueue):
        def decode(self, entries):
            found = []
            for entry in reversed(entries):
                try:
                    found.append(from_entry(entry))
                except ValueError:
                    break
            return found

    app.redis_queue.RedisQueue = Stopping


@mutant(row="CHAOS-17", promise="available")
def wrong_type_is_an_error():
    """A queue's key that holds another type makes every command on it fail."""
    change_script(
        "read",
        "if list_type ~= 'list' and list_type ~= 'none' then return 'messages key has the wrong type' end",
    )

    def guarded(self, command):
        try:
            return command()
        except (redis_queue.redis.ConnectionError, redis_queue.redis.TimeoutError) as error:
            raise QueueUnavailable(str(error)) from error

    RedisQueue._guarded = guarded
