"""Random histories of sends, polls and faults on two workers: nothing is lost, doubled, reordered or skipped.

A send is taken apart here, into its insert and its push, so that others may come in between.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from reference_server.errors import Failure, Unavailable
from reference_server.message import Draft, Message
from tests.unit.server.world import Process, World

workers = st.integers(0, 1)


@dataclass
class Reader:
    """A chain of polls: its cursor, and everything it was given."""

    since_us: int | None = None
    seen: list[Message] = field(default_factory=list)


class Chats(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.workers = [self.world.process(), self.world.process()]
        self.readers = [Reader(), Reader()]
        self.acked: list[Message] = []
        self.half_sent: list[Message] = []
        self.count = 0

    # -- sends

    @rule(worker=workers)
    def send(self, worker: int) -> None:
        self.count += 1
        with suppress(Unavailable):
            self.acked.append(self.workers[worker].send(str(self.count)).message)

    @precondition(lambda self: not self.world.store.down)
    @rule()
    def insert(self) -> None:
        """The first half of a send."""
        self.count += 1
        draft = Draft(f"id-{self.count}", "alice", "bob", str(self.count), None)
        self.half_sent.append(self.world.store.append(draft, self.world.clock.now_us()))

    @precondition(lambda self: self.half_sent)
    @rule(worker=workers, which=st.integers(0, 100))
    def push(self, worker: int, which: int) -> None:
        """The second half, in any order; with its ack."""
        message = self.half_sent.pop(which % len(self.half_sent))
        try:
            self.workers[worker].messenger._queue_it(message)
        except Unavailable:
            return
        self.acked.append(message)

    @precondition(lambda self: self.half_sent)
    @rule(worker=workers)
    def kill_worker(self, worker: int) -> None:
        """Nobody pushes what it was sending."""
        self.half_sent.pop()
        self.workers[worker] = self.world.process()

    # -- polls

    @rule(reader=workers, worker=workers, limit=st.integers(1, 3))
    def poll(self, reader: int, worker: int, limit: int) -> None:
        self._poll(self.readers[reader], self.workers[worker], limit)

    def _poll(self, reader: Reader, worker: Process, limit: int) -> bool:
        try:
            page = worker.poll(reader.since_us, limit=limit).page
        except Unavailable:
            assert self.world.store.down, "MongoDB is up: a poll must be answered"
            return False
        reader.seen += page.messages
        if page.messages:
            reader.since_us = page.messages[-1].timestamp_us
        return bool(page.has_more)

    # -- faults

    @rule(
        what=st.sampled_from(
            ["redis down", "redis up", "mongodb down", "mongodb up", "redis restarts", "clock"]
        ),
        jump_s=st.floats(-3600, 3600),
    )
    def fault(self, what: str, jump_s: float) -> None:
        """One rule for all of them, so that most steps are sends and polls."""
        if what == "redis restarts":
            self.world.restart_redis()
        elif what == "clock":
            self.world.clock.advance(jump_s)
        elif what.startswith("redis"):
            self.world.queue.down = what.endswith("down")
        else:
            self.world.store.down = what.endswith("down")

    @rule(worker=workers)
    def repair(self, worker: int) -> None:
        self.workers[worker].repairer.step()

    # -- promises

    @invariant()
    def every_reader_sees_a_prefix_of_the_one_order(self) -> None:
        mailbox = self.world.store._mailbox("bob")
        for reader in self.readers:
            start = reader.seen[0].seq - 1 if reader.seen else 0
            assert reader.seen == mailbox[start : start + len(reader.seen)]

    @invariant()
    def no_list_is_longer_than_its_limit(self) -> None:
        assert all(len(held) <= self.world.queue._limit for held in self.world.queue.lists.values())

    @rule()
    def all_is_well_again(self) -> None:
        """Every chain gets every acked message, from the one it began with."""
        self.world.queue.down = self.world.store.down = False
        for worker in self.workers * 2:
            worker.repairer.step()
        for reader in self.readers:
            has_more = True
            while has_more:
                has_more = max(self._poll(reader, worker, 3) for worker in self.workers)
            first_seq = reader.seen[0].seq if reader.seen else 1
            missed = [m for m in self.acked if m.seq >= first_seq and m not in reader.seen]
            assert not missed, f"acked but never delivered: {missed}"

    def teardown(self) -> None:
        self.all_is_well_again()


TestChats = Chats.TestCase
TestChats.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)


def test_a_failure_is_one_of_the_stores() -> None:
    """`Unavailable` is an answer to a client; stores raise `Failure`: the two must not be mixed up."""
    assert not issubclass(Unavailable, Failure)
