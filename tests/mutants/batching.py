"""Mutants of turns: what is stored or sent together, and what is remembered for the next command."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from reference_server.adapters import heads, mongo_after, mongo_together
from reference_server.adapters.heads import Known
from reference_server.adapters.mongo_after import Stop, append_after
from reference_server.adapters.mongo_pages import Pages
from reference_server.adapters.mongo_store import MongoStore
from reference_server.adapters.mongo_together import Together
from reference_server.adapters.redis_round_trips import RoundTrips
from reference_server.errors import Failure
from reference_server.interfaces import Cursor, page_of
from reference_server.message import EMPTY, Head, place_after
from tests.mutants.registry import STORY, mutant

_append = MongoStore.append
_round_trip = RoundTrips._run
_command = Together._run
_read_all, _after = Pages._read_all, Pages.after

KEPT_S = 5.0
TOGETHER_S = 0.7


@mutant(row="CHAOS-49", promise="no-loss", replaces="adapters.mongo_store:MongoStore.append")
def acked_before_its_turn(self, draft, now_us):
    """Who has to wait for a turn at a mailbox is acked at once, and the message is stored in that turn."""
    if draft.recipient not in self._turns._waiting:
        return _append(self, draft, now_us)

    def store():
        with suppress(Failure):
            _append(self, draft, now_us)

    threading.Thread(target=store, daemon=True).start()
    return place_after(EMPTY, draft, now_us)


@mutant(row="CHAOS-01", promise="no-loss", replaces="adapters.mongo_store:append_after")
def batch_acked_though_its_place_is_taken(messages, head, documents):
    """If another worker has taken a place of a batch, the batch is acked all the same."""
    stored, stop = append_after(messages, head, documents)
    return (len(documents), None) if stop is Stop.MOVED else (stored, stop)


@mutant(row="CHAOS-06", promise=STORY, says="`replayed`", replaces="adapters.mongo_store:append_after")
def batch_acked_though_one_is_a_retry(messages, head, documents):
    """If one of a batch is a retry, it and those after it are acked as if they were stored."""
    stored, stop = append_after(messages, head, documents)
    return (len(documents), None) if stop is Stop.CLIENT_ID_IN_USE else (stored, stop)


@mutant(row="CHAOS-49", promise="contiguous")
def head_believed():
    """A worker counts what it tried to append, and MongoDB is not asked for the message before."""
    nothing = {"q": {"_id": 0}, "u": {"$unset": {"nothing": 1}}}
    mongo_after._check = lambda recipient, head: nothing
    counted = {}

    def append(self, draft, now_us):
        try:
            message = _append(self, draft, now_us)
        except Failure:
            if head := counted.get(draft.recipient):
                head = counted[draft.recipient] = Head(head.seq + 1, head.timestamp_us + 1)
                self._heads._heads[draft.recipient] = Known(head)
            raise
        counted[draft.recipient] = Head(message.seq, message.timestamp_us)
        return message

    MongoStore.append = append


@mutant(row="CHAOS-01", promise="available", replaces="adapters.redis_round_trips:RoundTrips._run")
def answers_of_a_round_trip_mixed_up(self, name, calls):
    """Of the scripts that share a round trip to Redis, each gets the answer to the next one."""
    time.sleep(0.05)  # so that some wait
    first, *others = _round_trip(self, name, calls)
    return [*others, first]


@mutant(row="ERR-02", promise="no-loss")
def appends_left_out_of_a_command():
    """Of the appends that share a command only the first is sent, and all of them are acked."""
    heads.STEADY = 0
    mongo_together.LONGEST_WAIT_S = 0.4

    def run(self, name, several):
        time.sleep(0.2)  # so that some wait
        [first] = _command(self, name, several[:1])
        return [first, *({"ok": 1} for _ in several[1:])]

    Together._run = run


@mutant(row="ERR-02", promise="no-phantom")
def pages_of_a_query_mixed_up():
    """Of the polls that share a query to MongoDB, each gets the page of the next one."""

    def after(self, *poll):
        time.sleep(TOGETHER_S - time.monotonic() % TOGETHER_S)  # so that several come at the same moment
        return _after(self, *poll)

    def read_all(self, name, polls):
        first, *others = _read_all(self, name, polls)
        return [*others, first]

    Pages.after, Pages._read_all = after, read_all


@mutant(row="POLL-07", promise=STORY, says="every message", replaces="adapters.mongo_pages:Pages.after")
def query_before_the_poll_used(self, recipient, since_us, limit):
    """Without Redis a poll is answered from a query of a moment ago, if there was one for its mailbox."""
    until_s, found = self.__dict__.setdefault("_kept", {}).get(recipient, (0.0, ()))
    if time.monotonic() < until_s:
        behind = [message for message in found if message.timestamp_us > since_us]
        return page_of(behind, Cursor(since_us), limit, head_seq=0)
    page = _after(self, recipient, since_us, limit)
    self._kept[recipient] = (time.monotonic() + KEPT_S, page.messages)
    return page
