"""One mailbox, two workers, and the faults of their stores, compared with a simple model.

The same machine runs on the in-memory adapters, on fakeredis, and on a real Redis and MongoDB. A send is also
taken apart here, into its insert and its push, so that others come in between and workers die there.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from reference_server.errors import IdempotencyMismatch, Unavailable
from reference_server.message import Draft, Message, new_id
from reference_server.rechecks import RECHECK_S
from tests.contracts.mailbox_model import Answer, MailboxModel, entry_of

WORKERS = (0, 1)
BY, TO = "alice", "bob"
AGE_S = 30 * 24 * 3600

workers = st.sampled_from(WORKERS)


class RedisOfAWorld(Protocol):
    """The faults of Redis. Only `down` and `read_only` last, until `up`."""

    def down(self) -> object:
        """It cannot be reached."""

    def read_only(self) -> object:
        """It serves reads and refuses writes."""

    def up(self) -> object:
        """It works."""

    def empty(self) -> object:
        """It restarts without data."""

    def snapshot(self) -> object:
        """It saves what it has."""

    def restore(self) -> object:
        """It restarts with what it saved last."""

    def switch(self) -> object:
        """The way to it leads to its replica, now a primary, or back to the first one, which stood still."""

    def damage(self) -> object:
        """Another client writes to the mailbox's list."""

    def length(self) -> int:
        """How many messages the mailbox's list has."""


class World(Protocol):
    """Stores with a clock, and the workers on them. `store` has the switches `down` and `answers_lost`."""

    clock: Any
    notifier: Any
    store: Any
    redis: RedisOfAWorld
    window: int

    def process(self) -> Any:
        """A new worker: see tests/unit/server/world.py."""

    def close(self) -> None:
        """Leave everything as it was found."""


@dataclass
class Held:
    """A poll that waits, after the message with this place; `due_s` is when it is due to look again."""

    since_us: int
    seq: int
    due_s: float
    expecting: AbstractContextManager[None]


class Mailbox(RuleBasedStateMachine):
    """Inherit it and give `new_world`."""

    new_world: Callable[[], World]

    def __init__(self) -> None:
        super().__init__()
        self.world = type(self).new_world()
        self.model = MailboxModel(window=self.world.window, age_us=AGE_S * 1_000_000)
        self.workers = [self.world.process() for _ in WORKERS]
        self.knows = dict.fromkeys(WORKERS, 0)
        """Per worker: the newest message that its polls must show already. Later ones they may show."""
        self.acked = 0
        self.half_sent: list[Message] = []
        self.attempts: list[tuple[str, str]] = []
        self.cursors: dict[int, int | None] = dict.fromkeys(WORKERS)
        self.seen: dict[int, list[int]] = {reader: [] for reader in WORKERS}
        self.held: dict[int, Held] = {}
        self.count = 0

    # -- sends

    @rule(worker=workers, with_id=st.booleans())
    def send(self, worker: int, with_id: bool) -> None:
        self.count += 1
        content, client_id = f"no. {self.count}", f"c{self.count}" if with_id else None
        if client_id:
            self.attempts.append((client_id, content))
        self._send(worker, content, client_id)

    @precondition(lambda self: self.attempts)
    @rule(worker=workers, which=st.integers(0, 50))
    def retry(self, worker: int, which: int) -> None:
        client_id, content = self.attempts[which % len(self.attempts)]
        self._send(worker, content, client_id)

    def _send(self, worker: int, content: str, client_id: str | None) -> None:
        if self.count % 3 == 0:  # now and then, as a Redis does by itself
            self.world.redis.snapshot()
        earlier = self.model.sent_as(client_id)
        if earlier is None and not self.world.store.down:
            self.model.append(content, client_id, self.world.clock.now_us())
        refused: str | None = None
        try:
            sent = self.workers[worker].send(content, to=TO, by=BY, client_id=client_id)
        except Unavailable as refusal:
            refused = refusal.outcome
        assert refused == self._failure(), "the sender gets a wrong answer"
        if refused is not None:
            return
        assert entry_of(sent.message) == (earlier or self.model.entries[-1])
        assert sent.replayed == (earlier is not None)
        self._is_acked(worker, sent.message.seq, everybody=sent.queued)

    def _failure(self) -> str | None:
        store = self.world.store
        return "not_stored" if store.down else "unknown" if store.answers_lost else None

    def _is_acked(self, worker: int, seq: int, *, everybody: bool) -> None:
        """A queued message is everybody's at once; of one in the outbox, others learn at their next step."""
        self.acked = max(self.acked, seq)
        for one in WORKERS if everybody else (worker,):
            self.knows[one] = max(self.knows[one], seq)

    @precondition(lambda self: self.attempts and not self._failure())
    @rule(worker=workers, which=st.integers(0, 50))
    def reuse_an_id(self, worker: int, which: int) -> None:
        """With another content: nothing is stored, and the sender gets an error."""
        client_id, content = self.attempts[which % len(self.attempts)]
        if self.model.sent_as(client_id) is None:
            return
        try:
            self.workers[worker].send(content + "!", to=TO, by=BY, client_id=client_id)
        except IdempotencyMismatch:
            return
        raise AssertionError("two contents under one client_message_id")

    @precondition(lambda self: not self._failure())
    @rule()
    def insert(self) -> None:
        """The first half of a send."""
        self.count += 1
        now_us = self.world.clock.now_us()
        draft = Draft(new_id(now_us), BY, TO, f"no. {self.count}", None)
        message = self.world.store.append(draft, now_us)
        assert entry_of(message) == self.model.append(draft.content, None, now_us)
        self.half_sent.append(message)

    @precondition(lambda self: self.half_sent)
    @rule(worker=workers, which=st.integers(0, 50))
    def push(self, worker: int, which: int) -> None:
        """The second half, in any order; with its ack."""
        message = self.half_sent.pop(which % len(self.half_sent))
        try:
            queued = self.workers[worker].messenger._push_or_record(message)
        except Unavailable:
            assert self.world.store.down, "MongoDB is up: the outbox can be written"
            return
        self._is_acked(worker, message.seq, everybody=queued)

    @rule(worker=workers)
    def kill(self, worker: int) -> None:
        """What it was sending is not pushed. Its successor trusts no list before it has read the outbox."""
        if self.half_sent:
            self.half_sent.pop()
        self._let_go(worker)
        self.workers[worker] = self.world.process()
        self.knows[worker] = self.acked

    # -- polls

    @rule(worker=workers, limit=st.integers(1, 7), back=st.none() | st.integers(-1, 12), off_us=workers)
    def poll(self, worker: int, limit: int, back: int | None, off_us: int) -> None:
        """From anywhere: without a cursor, from the start, or so many messages back, or just before that."""
        if back is None or not self.model.entries:
            since_us = None
        elif back < 0:
            since_us = 0
        else:
            since_us = self.model.entries[max(0, len(self.model) - 1 - back)].timestamp_us - off_us
        self._poll(worker, since_us, limit)

    @rule(reader=workers, worker=workers, limit=st.integers(1, 3))
    def read_on(self, reader: int, worker: int, limit: int) -> None:
        """The next poll of a chain, at any worker."""
        self._read_on(reader, worker, limit)

    def _read_on(self, reader: int, worker: int, limit: int) -> bool:
        """Say whether there is more."""
        page = self._poll(worker, self.cursors[reader], limit)
        if page is None or not page.messages:
            return False
        self.seen[reader] += [message.seq for message in page.messages]
        self.cursors[reader] = page.messages[-1].timestamp_us
        return bool(page.has_more)

    def _poll(self, worker: int, since_us: int | None, limit: int) -> Any:
        try:
            page = self.workers[worker].poll(since_us, mailbox=TO, limit=limit).page
        except Unavailable:
            assert self.world.store.down, "MongoDB is up: a poll must be answered"
            return None
        heads, now_us = range(self.knows[worker], len(self.model) + 1), self.world.clock.now_us()
        right = {self.model.poll(since_us, limit, head=head, now_us=now_us) for head in heads}
        contents = tuple(message.content for message in page.messages)
        assert Answer(contents, page.has_more, page.gap) in right
        for message in page.messages:
            assert entry_of(message) == self.model.entries[message.seq - 1]
        return page

    @precondition(lambda self: self.model.entries)
    @rule(worker=workers)
    def hold(self, worker: int) -> None:
        """A poll finds nothing and waits."""
        self._let_go(worker)
        newest_us = self.model.entries[-1].timestamp_us
        if self._poll(worker, newest_us, limit=3) is None:
            return
        expecting = self.workers[worker].rechecks.expect(TO, newest_us, degraded=False)
        expecting.__enter__()
        due_s = self.world.clock.monotonic() + RECHECK_S
        self.held[worker] = Held(newest_us, len(self.model), due_s, expecting)

    @precondition(lambda self: self.held)
    @rule(worker=workers, relay_steps=st.booleans())
    def recheck(self, worker: int, relay_steps: bool) -> None:
        """A second later it looks again if there is anything that its worker's polls must show."""
        held, one = self.held.get(worker), self.workers[worker]
        if held is None:
            return
        self.world.clock.advance(max(0.0, held.due_s - self.world.clock.monotonic()))
        if relay_steps:  # otherwise no head is usable any more
            one.relay.step()
        one.take_notices()
        self.world.notifier.woken.clear()
        one.rechecks.step()
        if not self.world.notifier.woken:
            assert self.knows[worker] <= held.seq, "a poll that waits does not learn of a message"
            held.due_s = self.world.clock.monotonic() + RECHECK_S
        elif (page := self._poll(worker, held.since_us, limit=3)) and page.messages:
            self._let_go(worker)

    def _let_go(self, worker: int) -> None:
        if held := self.held.pop(worker, None):
            held.expecting.__exit__(None, None, None)

    # -- faults

    @rule(what=st.sampled_from(["down", "read_only", "up", "up"]))
    def redis(self, what: str) -> None:
        getattr(self.world.redis, what)()

    @rule(what=st.sampled_from(["empty", "restore", "damage"]))
    def queue(self, what: str) -> None:
        getattr(self.world.redis, what)()

    @rule()
    def switch(self) -> None:
        """Until its next step, a worker may not have noticed, and read a list that is older than an ack."""
        self.world.redis.switch()
        self.knows = dict.fromkeys(WORKERS, 0)

    @rule(down=st.booleans(), answers_lost=st.booleans())
    def mongodb(self, down: bool, answers_lost: bool) -> None:
        self.world.store.down, self.world.store.answers_lost = down, answers_lost and not down

    @rule(jump_s=st.floats(-3600, 3600) | st.just(AGE_S + 1.0))
    def clock(self, jump_s: float) -> None:
        self.world.clock.advance(jump_s)

    @rule(worker=workers)
    def relay(self, worker: int) -> None:
        self.workers[worker].relay.step()

    # -- promises

    @invariant()
    def every_reader_gets_every_message_once_and_in_order(self) -> None:
        for seqs in self.seen.values():
            first = seqs[0] if seqs else 0
            assert seqs == list(range(first, first + len(seqs)))

    @rule()
    def all_is_well_again(self) -> None:
        """Two steps of every worker later, everything acked is read from Redis, to the end of every chain."""
        self.world.store.down = self.world.store.answers_lost = False
        self.world.redis.up()
        for worker in self.workers * 2:
            worker.relay.step()
        self.knows = dict.fromkeys(WORKERS, self.acked)
        for worker in self.workers:
            polled = worker.poll(None, mailbox=TO, limit=3)
            assert (polled.source, polled.degraded) == ("redis", False)
        for reader in WORKERS:
            while self._read_on(reader, worker=reader, limit=3):
                pass
            assert not self.seen[reader] or self.seen[reader][-1] >= self.acked
        assert self.world.redis.length() <= self.world.window

    def teardown(self) -> None:
        try:
            self.all_is_well_again()
        finally:
            self.world.close()
