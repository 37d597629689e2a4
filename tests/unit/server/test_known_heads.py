"""Known heads: a poll is answered in the process while it is right, or a lost notice this recent."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from reference_server import known_heads
from reference_server.interfaces import Newest
from reference_server.known_heads import LEASE_S, KnownHeads, Reading
from tests.unit.server.world import Process, World, covers

BOB, EVE = "bob", "eve"
TICK_S = 1e-6


class Time:
    """A monotonic clock that only a test moves, in seconds."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def heads(time: Time) -> KnownHeads:
    """They are subscribed, and nothing is unread."""
    heads = KnownHeads(time)
    heads.subscribed(lambda: False)
    return heads


@dataclass
class Push:
    """A push that Redis has counted."""

    mailbox: str
    count: int
    at_s: float
    is_lost: bool
    reached_s: float = math.inf
    """When its notice has reached this machine."""
    must_be_seen: bool = False


def read(heads: KnownHeads, newest_us: int, pushes: int, mailbox: str = BOB) -> None:
    heads.store(heads.begin(mailbox), Newest(newest_us, pushes))


class TestAHead:
    def test_it_covers_the_cursors_that_are_not_before_it(self, heads: KnownHeads) -> None:
        read(heads, 1000, pushes=7)
        assert [covers(heads, BOB, since_us) for since_us in (999, 1000, 1001)] == [False, True, True]

    def test_nothing_is_known_of_another_mailbox(self, heads: KnownHeads) -> None:
        read(heads, 1000, pushes=7)
        assert not covers(heads, EVE, 2000)

    def test_a_notice_removes_its_mailbox_only(self, heads: KnownHeads) -> None:
        read(heads, 1000, pushes=7)
        read(heads, 1000, pushes=7, mailbox=EVE)
        heads.noticed(BOB, 8)
        assert not covers(heads, BOB, 1000)
        assert covers(heads, EVE, 1000)

    def test_a_notice_without_a_count_does_so_too(self, heads: KnownHeads) -> None:
        """A worker of an earlier version publishes it during a rolling deploy."""
        read(heads, 1000, pushes=7)
        read(heads, 1000, pushes=7, mailbox=EVE)
        heads.noticed(BOB, None)
        assert not covers(heads, BOB, 1000)
        assert covers(heads, EVE, 1000)

    def test_a_read_that_a_notice_overtakes_is_not_stored(self, heads: KnownHeads) -> None:
        """The read may have been answered before the push."""
        reading = heads.begin(BOB)
        heads.noticed(BOB, 8)
        heads.store(reading, Newest(1000, pushes=7))
        assert not covers(heads, BOB, 1000)

    def test_of_two_reads_the_later_one_counts(self, heads: KnownHeads) -> None:
        early = heads.begin(BOB)
        heads.noticed(BOB, 8)
        late = heads.begin(BOB)
        heads.store(late, Newest(2000, pushes=8))
        heads.store(early, Newest(1000, pushes=7))
        assert not covers(heads, BOB, 1000)
        assert covers(heads, BOB, 2000)

    def test_unread_notices_are_waited_for(self, time: Time) -> None:
        unread = [False]
        heads = KnownHeads(time)
        heads.subscribed(lambda: unread[0])
        read(heads, 1000, pushes=7)
        unread[0] = True
        assert heads.cover(BOB, 1000, began_s=time.now_s), "it began before the read, which had seen them all"
        time.now_s += TICK_S
        assert not covers(heads, BOB, 1000)
        unread[0] = False
        assert covers(heads, BOB, 1000)

    def test_they_are_bounded(self, heads: KnownHeads, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(known_heads, "MOST_MAILBOXES", 2)
        for mailbox in ("ann", BOB, EVE):
            read(heads, 1000, pushes=7, mailbox=mailbox)
        assert [covers(heads, mailbox, 1000) for mailbox in ("ann", BOB, EVE)] == [False, True, True]


class TestTheLease:
    def test_it_ends(self, heads: KnownHeads, time: Time) -> None:
        read(heads, 1000, pushes=7)
        time.now_s += LEASE_S
        assert not covers(heads, BOB, 1000)

    def test_a_read_of_any_mailbox_extends_it_from_its_beginning(self, heads: KnownHeads, time: Time) -> None:
        read(heads, 1000, pushes=7)
        time.now_s += LEASE_S / 2
        reading = heads.begin(EVE)
        time.now_s += LEASE_S
        heads.store(reading, Newest(1, pushes=7))
        assert not covers(heads, BOB, 1000)
        read(heads, 1, pushes=7, mailbox=EVE)
        assert covers(heads, BOB, 1000)

    def test_a_poll_that_has_waited_for_a_read_needs_none(self, heads: KnownHeads, time: Time) -> None:
        """However long the read took: a worker may be behind by more than the lease."""
        read(heads, 1000, pushes=7)
        time.now_s += 2 * LEASE_S
        began_s, reading = time.now_s, heads.begin(EVE)
        assert not heads.cover(BOB, 1000, began_s)
        time.now_s += 2 * LEASE_S
        heads.store(reading, Newest(1, pushes=8))
        assert not heads.cover(BOB, 1000, began_s), "its notice has not arrived"
        heads.noticed(EVE, 8)
        assert heads.cover(BOB, 1000, began_s)
        assert not covers(heads, BOB, 1000)

    def test_a_slow_read_does_not_shorten_it(self, heads: KnownHeads, time: Time) -> None:
        slow = heads.begin(EVE)
        time.now_s += LEASE_S / 2
        read(heads, 1000, pushes=7)
        heads.store(slow, Newest(1, pushes=7))
        time.now_s += LEASE_S * 0.7
        assert covers(heads, BOB, 1000)

    def test_while_a_counted_notice_is_missing_there_is_none(self, heads: KnownHeads, time: Time) -> None:
        read(heads, 1000, pushes=7)
        time.now_s += LEASE_S / 2
        for pushes in (8, 9):
            read(heads, 1, pushes, EVE)
        time.now_s += LEASE_S / 2
        assert not covers(heads, BOB, 1000)
        heads.noticed("ann", 8)
        assert covers(heads, BOB, 1000)

    def test_what_stays_missing_ends_the_subscription(self, heads: KnownHeads, time: Time) -> None:
        read(heads, 1000, pushes=7)
        read(heads, 1, pushes=8, mailbox=EVE)
        time.now_s += LEASE_S
        heads.begin(EVE)
        assert heads.is_subscribed
        time.now_s += LEASE_S / 10
        heads.begin(EVE)
        assert not heads.is_subscribed

    def test_what_has_arrived_but_was_not_read_is_not_missing(self, time: Time) -> None:
        unread = [True]
        heads = KnownHeads(time)
        heads.subscribed(lambda: unread[0])
        read(heads, 1000, pushes=7)
        read(heads, 1, pushes=8, mailbox=EVE)
        time.now_s += LEASE_S * 2
        heads.begin(EVE)
        assert heads.is_subscribed


class TestLosses:
    def test_a_skipped_count_drops_all(self, heads: KnownHeads) -> None:
        read(heads, 1000, pushes=7)
        heads.noticed(EVE, 9)
        assert not covers(heads, BOB, 1000)
        read(heads, 1000, pushes=9)
        assert covers(heads, BOB, 1000)

    def test_so_does_a_count_that_starts_again(self, heads: KnownHeads) -> None:
        read(heads, 1000, pushes=7)
        heads.noticed(EVE, 1)
        assert not covers(heads, BOB, 1000)

    def test_a_read_finds_that_too(self, heads: KnownHeads) -> None:
        read(heads, 1000, pushes=7)
        read(heads, 1, pushes=0, mailbox=EVE)
        assert not covers(heads, BOB, 1000)
        read(heads, 1000, pushes=0)
        assert covers(heads, BOB, 1000)
        heads.noticed(EVE, 1)
        assert covers(heads, BOB, 1000)

    def test_a_read_that_is_older_than_a_notice_is_not_such_a_start(self, heads: KnownHeads) -> None:
        read(heads, 1000, pushes=7)
        reading = heads.begin(EVE)
        heads.noticed("ann", 8)
        heads.store(reading, Newest(1, pushes=7))
        assert covers(heads, BOB, 1000)

    def test_a_new_subscription_begins_with_nothing(self, heads: KnownHeads) -> None:
        read(heads, 1000, pushes=7)
        reading = heads.begin(EVE)
        heads.subscribed(lambda: False)
        heads.store(reading, Newest(1000, pushes=7))
        assert not covers(heads, BOB, 1000)
        assert not covers(heads, EVE, 1000)

    def test_without_a_subscription_nothing_is_known(self, heads: KnownHeads) -> None:
        read(heads, 1000, pushes=7)
        heads.unsubscribed()
        assert not covers(heads, BOB, 1000)
        read(heads, 1000, pushes=7)
        assert not covers(heads, BOB, 1000)

    def test_dropping_does_not_end_the_subscription(self, heads: KnownHeads) -> None:
        read(heads, 1000, pushes=7)
        heads.drop()
        assert not covers(heads, BOB, 1000)
        read(heads, 1000, pushes=7)
        assert covers(heads, BOB, 1000)


class TestTheService:
    def test_a_poll_that_is_covered_asks_no_store(self, world: World, process: Process) -> None:
        sent = process.send("hi").message
        asked = process.poll(sent.timestamp_us)
        world.queue.down = world.store.down = True
        covered = process.poll(sent.timestamp_us)
        assert not covered.page.messages
        assert (covered.source, covered.degraded) == (asked.source, asked.degraded) == ("redis", False)
        assert (covered.page.has_more, covered.page.gap) == (asked.page.has_more, asked.page.gap)

    def test_another_processs_push_is_seen_at_once(self, world: World, process: Process) -> None:
        sent = process.send("hi").message
        process.poll(sent.timestamp_us)
        world.process().send("again")
        assert process.contents(sent.timestamp_us) == ["again"]

    def test_its_own_push_is_seen_even_before_its_notice(self, world: World, process: Process) -> None:
        world.queue.subscribers.clear()
        sent = process.send("hi").message
        process.poll(sent.timestamp_us)
        process.send("again")
        assert process.contents(sent.timestamp_us) == ["again"]

    def test_a_stale_queue_is_never_covered(self, world: World, process: Process) -> None:
        sent = process.send("hi").message
        process.poll(sent.timestamp_us)
        world.queue.read_only = True
        process.send("again")
        assert process.contents(sent.timestamp_us) == ["again"]
        assert not covers(process.known_heads, BOB, sent.timestamp_us)

    def test_without_a_cursor_the_queue_is_asked(self, world: World, process: Process) -> None:
        process.send("hi")
        process.poll()
        world.queue.down = True
        assert process.poll().source == "mongodb"

    def test_an_empty_mailbox_is_covered_for_a_poll_without_a_cursor(
        self, world: World, process: Process
    ) -> None:
        """Those of users who never got a message have none."""
        asked = process.poll()
        world.queue.down = True
        covered = process.poll()
        assert (covered.source, covered.page.gap) == (asked.source, asked.page.gap) == ("redis", False)
        assert not covered.page.messages
        world.queue.down = False
        world.process().send("hi")
        assert process.contents() == ["hi"]


class Schedules(RuleBasedStateMachine):
    """One worker's heads among pushes, reads and notices in any order, some of which get lost.

    A read is begun, answered by Redis, and stored, with anything in between.
    """

    def __init__(self) -> None:
        super().__init__()
        self.time = Time()
        self.heads = KnownHeads(self.time)
        self.pushed: list[Push] = []
        self.reads: list[tuple[Reading, Newest | None]] = []
        self.subscribe()

    @precondition(lambda self: len(self.pushed) % 4 == 3)  # seldom: it hides what was lost before
    @rule()
    def subscribe(self) -> None:
        """What was on its way is lost; but what is read from now on has it."""
        for push in self.pushed:
            push.must_be_seen = True
        self.heads.subscribed(lambda: any(math.isfinite(push.reached_s) for push in self.on_their_way()))

    @rule(mailbox=st.sampled_from([BOB, EVE]), notice=st.sampled_from(["lost", "on its way", "unread"]))
    def push(self, mailbox: str, notice: str) -> None:
        at_s = self.now_s()
        self.pushed.append(Push(mailbox, len(self.pushed) + 1, at_s, is_lost=notice == "lost"))
        if notice == "unread":
            for push in self.on_their_way():  # they arrive in the order in which they were sent
                push.reached_s = min(push.reached_s, at_s)

    @precondition(lambda self: self.on_their_way())
    @rule()
    def arrive(self) -> None:
        push = self.on_their_way()[0]
        push.must_be_seen = True
        self.heads.noticed(push.mailbox, push.count)

    @rule(mailbox=st.sampled_from([BOB, EVE]))
    def begin(self, mailbox: str) -> None:
        self.reads.append((self.heads.begin(mailbox), None))
        if not self.heads.is_subscribed:
            self.subscribe()

    @precondition(lambda self: self.reads)
    @rule(which=st.integers(0, 9))
    def answer(self, which: int) -> None:
        which %= len(self.reads)
        reading, newest = self.reads[which]
        self.reads[which] = (reading, newest or self.newest(reading.mailbox))

    @precondition(lambda self: any(newest for _, newest in self.reads))
    @rule()
    def store(self) -> None:
        which = next(number for number, (_, newest) in enumerate(self.reads) if newest)
        reading, newest = self.reads.pop(which)
        assert newest
        self.heads.store(reading, newest)

    @rule(mailbox=st.sampled_from([BOB, EVE]))
    def read(self, mailbox: str) -> None:
        self.begin(mailbox)
        reading, _ = self.reads.pop()
        self.heads.store(reading, self.newest(mailbox))

    @rule(seconds=st.sampled_from([LEASE_S / 5, LEASE_S / 2, LEASE_S]))
    def wait(self, seconds: float) -> None:
        self.time.now_s += seconds

    @invariant()
    def no_poll_misses_what_it_must_have(self) -> None:
        """A push is missed for LEASE_S at most, and not at all once its notice has reached this machine.

        A poll may have begun some time ago: one that waits asks again.
        """
        now_s = self.now_s()
        for push in self.pushed:
            for began_s in (now_s, *(now_s - LEASE_S * part for part in (0.2, 0.5, 1, 2))):
                if self.heads.cover(push.mailbox, push.count - 1, began_s):
                    assert not push.must_be_seen
                    assert began_s < push.reached_s
                    assert began_s - push.at_s < LEASE_S

    def now_s(self) -> float:
        """Return the time; no two things happen at the same."""
        self.time.now_s += TICK_S
        return self.time.now_s

    def on_their_way(self) -> list[Push]:
        return [push for push in self.pushed if not (push.must_be_seen or push.is_lost)]

    def newest(self, mailbox: str) -> Newest:
        """What Redis answers now. A message's timestamp is the count of its push."""
        counts = [push.count for push in self.pushed if push.mailbox == mailbox]
        return Newest(max(counts, default=0), len(self.pushed))


TestSchedules = Schedules.TestCase
TestSchedules.settings = settings(deadline=None, max_examples=300, stateful_step_count=30)


class TestManyPollsOfOneMailbox:
    def test_a_known_head_stays_known_while_it_is_read_again(self, heads: KnownHeads, time: Time) -> None:
        read(heads, 1000, pushes=7)
        time.now_s += LEASE_S
        heads.begin(BOB)
        read(heads, 0, pushes=7, mailbox="")  # the relay's probe
        assert covers(heads, BOB, 1000)

    def test_a_read_that_finds_more_replaces_it(self, heads: KnownHeads) -> None:
        """Its notice was lost, and was one that does not count itself."""
        read(heads, 1000, pushes=7)
        read(heads, 2000, pushes=7)
        assert not covers(heads, BOB, 1000)
        assert covers(heads, BOB, 2000)

    def test_a_slow_read_does_not_put_it_back(self, heads: KnownHeads) -> None:
        slow = heads.begin(BOB)
        read(heads, 2000, pushes=7)
        heads.store(slow, Newest(1000, 7))
        assert not covers(heads, BOB, 1000)


def test_while_the_relay_steps_a_waiting_poll_does_not_ask_the_queue(world: World, process: Process) -> None:
    process.send("hi")
    since_us = process.poll().page.messages[-1].timestamp_us
    process.poll(since_us)
    asked: list[str] = []
    read_queue = world.queue.read
    world.queue.read = lambda *what: asked.append("read") or read_queue(*what)
    world.notifier.on_wait = process.relay.step
    assert process.messenger.poll("bob", since_us, 50, wait_s=25).page.messages == ()
    assert asked == []
