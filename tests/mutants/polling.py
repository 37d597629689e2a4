"""Mutants of the poll: pages, cursors, and cached answers."""

from __future__ import annotations

import time
from dataclasses import replace

from reference_server.blueprints.messages import Polls
from reference_server.service import Messenger
from tests.mutants.registry import mutant

_look, _body = Messenger._look, Polls.body


@mutant(row="FLOW-06", promise="no-loss", replaces="service:Messenger._look", quick=True)
def newest_page_only(self, mailbox, since_us, limit):
    """If more than a page waits, a poll returns the newest page and says that there is no more."""
    polled = _look(self, mailbox, since_us, 100)
    page = replace(polled.page, messages=polled.page.messages[-limit:], has_more=False)
    return replace(polled, page=page)


@mutant(row="FLOW-02", promise="no-duplicate", replaces="service:Messenger._look", quick=True)
def since_inclusive(self, mailbox, since_us, limit):
    """A poll returns the message at the cursor again."""
    return _look(self, mailbox, None if since_us is None else since_us - 1, limit)


_EMPTY: dict[tuple[str, int | None], tuple[float, object]] = {}
CACHED_S = 5.0


@mutant(row="FLOW-05", promise="on-time", replaces="service:Messenger._look")
def empty_answer_cached(self, mailbox, since_us, limit):
    """An empty answer is cached for a while."""
    until_s, polled = _EMPTY.get((mailbox, since_us), (0.0, None))
    if time.monotonic() < until_s:
        return polled
    polled = _look(self, mailbox, since_us, limit)
    if not polled.page.messages:
        _EMPTY[mailbox, since_us] = (time.monotonic() + CACHED_S, polled)
    return polled


_FIRST_LOOK_S: dict[str, float] = {}
STUCK_AFTER_S = 2.0


@mutant(row="FLOW-09", promise="no-loss", replaces="service:Messenger._look")
def reader_stuck(self, mailbox, since_us, limit):
    """Two seconds after a mailbox's first poll, every poll with a cursor is answered empty."""
    began_s = _FIRST_LOOK_S.setdefault(mailbox, time.monotonic())
    polled = _look(self, mailbox, since_us, limit)
    if since_us is None or time.monotonic() < began_s + STUCK_AFTER_S:
        return polled
    return replace(polled, page=replace(polled.page, messages=(), has_more=False))


@mutant(row="CHAOS-02", promise="cursor", replaces="blueprints.messages:Polls.body")
def clock_for_a_cursor(self, *asked):
    """The next cursor is the time of the answer, not the timestamp of the last message in it."""
    body = _body(self, *asked)
    return body | {"next_since": body["timestamp"]}
