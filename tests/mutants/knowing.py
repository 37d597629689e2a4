"""Mutants of the heads that a worker knows: polls are answered from what is not true any more."""

from __future__ import annotations

import time
from pathlib import Path

from reference_server import known_heads
from reference_server.adapters import redis_queue
from reference_server.adapters.redis_queue import RedisQueue
from reference_server.known_heads import KnownHeads
from tests.mutants.parts import change_script
from tests.mutants.registry import mutant

WINDOW_S = 0.2
FOR_EVER_S = 3600.0
NOTIFY = "notify(string.sub(list, #'messages:' + 1))"
_push, _store = RedisQueue.push, KnownHeads.store


def _lease_without_end():
    """Let the lease never end, as on a busy server, where reads of other mailboxes extend it all the time."""
    known_heads.LEASE_S = FOR_EVER_S


def _trust_without_end(self, reading, newest):
    """Store a head as the server does, and use all heads from now on, whatever was counted."""
    self._seen = None
    _store(self, reading, newest)
    self._right_at_s = self._monotonic() + FOR_EVER_S


@mutant(row="FLOW-05", promise="on-time")
def lost_notice_unnoticed():
    """The notices of pushes get lost, and no worker counts them."""
    KnownHeads.store, KnownHeads.noticed = _trust_without_end, lambda self, mailbox, count: None
    KnownHeads.forget = lambda self, mailbox: None  # nor may its own push remind a worker


@mutant(row="CHAOS-30", promise="on-time")
def notice_before_the_write():
    """A push publishes its notice before it writes, so that a poll can read in between."""
    _lease_without_end()
    change_script("push", NOTIFY)
    notice = Path(redis_queue.__file__).with_name("notice.lua").read_text(encoding="utf-8")

    def push(self, recipient, batch, claim=None):
        keys = redis_queue.keys_of(recipient)
        if batch:
            self._guarded(lambda: self._client.eval(f"{notice} notify(ARGV[1])", len(keys), *keys, recipient))
            time.sleep(WINDOW_S)  # as on a busy machine
        return _push(self, recipient, batch, claim)

    RedisQueue.push = push


@mutant(row="CHAOS-30", promise="on-time")
def read_overtaken_by_a_notice():
    """What a read found is stored, although a notice came while it was on its way."""
    _lease_without_end()

    def store(self, reading, newest):
        time.sleep(WINDOW_S)  # as on a busy machine
        _store(self, reading, newest)
        self._heads[reading.mailbox] = newest.timestamp_us

    KnownHeads.store = store


@mutant(row="CHAOS-45", promise="recovers")
def hole_in_the_subscription():
    """A worker that has subscribed again keeps what it knew before; only notices change it."""

    def subscribed(self, has_unread):
        self._has_unread = has_unread

    def noticed(self, mailbox, count):
        self._heads.pop(mailbox, None)

    KnownHeads.subscribed, KnownHeads.noticed, KnownHeads.store = subscribed, noticed, _trust_without_end
    KnownHeads.drop, KnownHeads.forget = lambda self: None, lambda self, mailbox: None
