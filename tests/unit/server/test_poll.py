"""What a poll answers, from which source, with every store working and with any of them gone."""

from __future__ import annotations

import pytest

from reference_server.errors import Unavailable
from reference_server.message import Draft
from tests.unit.server.world import MONTH_S, NOON_US, WINDOW, Process, World


def test_a_poll_is_answered_by_the_queue(world: World, process: Process) -> None:
    process.send("hi")
    polled = process.poll()
    assert (polled.source, polled.degraded) == ("redis", False)
    assert polled.page.messages == world.store.tail("bob", 10)


def test_a_chain_of_polls_gives_every_message_once_and_an_old_cursor_the_same_again(process: Process) -> None:
    sent = [process.send(str(n)).message for n in range(5)]
    chain, since = [], None
    for _ in range(3):
        page = process.poll(since, limit=2).page
        chain += page.messages
        since = page.messages[-1].timestamp_us
    assert chain == sent
    assert process.poll(sent[1].timestamp_us).page.messages == sent[2:]


def test_a_cold_mailbox_is_filled_and_not_called_degraded(world: World, process: Process) -> None:
    process.send("hi")
    world.redis.empty()
    polled = process.poll()
    assert (polled.source, polled.degraded) == ("redis", False)
    assert [message.content for message in polled.page.messages] == ["hi"]


def test_an_idle_poll_asks_only_the_queue(world: World, process: Process) -> None:
    process.poll()
    world.store.down = True
    assert not process.poll().page.messages


def test_a_cursor_older_than_the_queue_skips_nothing(world: World, process: Process) -> None:
    sent = [process.send(str(n)).message for n in range(WINDOW + 3)]
    polled = process.poll(sent[0].timestamp_us)
    assert (polled.source, polled.degraded, polled.page.gap) == ("mongodb", False, False)
    assert polled.page.messages == sent[1:]


def test_without_a_cursor_a_poll_starts_with_the_window_and_tells_the_gap(process: Process) -> None:
    sent = [process.send(str(n)).message for n in range(WINDOW + 3)]
    polled = process.poll()
    assert polled.page.messages == sent[3:]
    assert polled.page.gap


def test_a_flood_pushes_nothing_out_of_the_window_unsaid(process: Process) -> None:
    """Whose mailbox was empty has no cursor yet; who has one misses nothing."""
    empty = process.poll().page
    assert (empty.messages, empty.gap) == ([], False)
    unread = process.send("from alice").message
    for number in range(WINDOW):
        process.send(f"flood {number}", by="carol")
    flooded = process.poll().page
    assert unread not in flooded.messages
    assert flooded.gap
    with_cursor = process.poll(unread.timestamp_us - 1).page
    assert with_cursor.messages[0] == unread
    assert not with_cursor.gap


def test_without_a_cursor_messages_older_than_the_window_stay_away(world: World, process: Process) -> None:
    process.send("old")
    world.clock.advance(MONTH_S + 1)
    young = process.send("young").message
    assert process.poll().page.messages == [young]
    assert process.poll().page.gap
    world.queue.down = True
    assert process.poll().page.messages == [young]


class TestWithoutRedis:
    def test_polls_are_answered_by_mongodb_and_called_degraded(self, world: World, process: Process) -> None:
        sent = process.send("hi").message
        world.queue.down = True
        polled = process.poll()
        assert (polled.source, polled.degraded) == ("mongodb", True)
        assert polled.page.messages == [sent]

    def test_what_was_sent_meanwhile_is_seen_at_once_by_everybody(
        self, world: World, process: Process
    ) -> None:
        other = world.process()
        world.queue.down = True
        process.send("hi")
        assert process.contents() == other.contents() == ["hi"]

    def test_a_list_that_missed_a_push_is_not_used_until_it_is_complete(
        self, world: World, process: Process
    ) -> None:
        process.send("one")
        world.queue.down = True
        process.send("two")
        world.queue.down = False
        polled = process.poll()
        assert (polled.source, polled.degraded) == ("mongodb", True)
        assert len(polled.page.messages) == 2
        process.relay.step()
        process.relay.step()
        polled = process.poll()
        assert (polled.source, polled.degraded) == ("redis", False)
        assert len(polled.page.messages) == 2

    def test_every_worker_learns_of_the_outbox_entry_of_another_one(
        self, world: World, process: Process
    ) -> None:
        process.send("one")
        other = world.process()
        world.queue.down = True
        process.send("two")
        world.queue.down = False
        assert "bob" not in other.stale_queues
        other.stale_queues.refresh(world.store.pending)
        assert other.poll().source == "mongodb"


class TestWithoutMongodb:
    def test_a_complete_queue_answers(self, world: World, process: Process) -> None:
        sent = process.send("hi").message
        world.store.down = True
        assert process.poll().page.messages == [sent]
        assert not process.poll(sent.timestamp_us).page.messages

    def test_a_cold_mailbox_cannot_be_polled(self, world: World, process: Process) -> None:
        process.send("hi")
        world.redis.empty()
        world.store.down = True
        asked = world.store.asked
        with pytest.raises(Unavailable):
            process.poll()
        assert world.store.asked == asked + 1, "a second try would take as long again"

    def test_a_cursor_older_than_the_queue_cannot_be_polled(self, world: World, process: Process) -> None:
        sent = [process.send(str(n)).message for n in range(WINDOW + 2)]
        world.store.down = True
        with pytest.raises(Unavailable):
            process.poll(sent[0].timestamp_us)
        assert process.poll(sent[2].timestamp_us).page.messages == sent[3:]

    def test_a_mailbox_whose_queue_missed_a_push_cannot_be_polled(
        self, world: World, process: Process
    ) -> None:
        process.send("one")
        world.queue.down = True
        process.send("two")
        world.queue.down = False
        world.store.down = True
        with pytest.raises(Unavailable):
            process.poll()

    def test_a_worker_that_never_read_the_outbox_trusts_no_list(self, world: World, process: Process) -> None:
        process.send("hi")
        world.store.down = True
        with pytest.raises(Unavailable):
            world.process().poll()

    def test_a_poll_without_both_stores_is_unavailable(self, world: World, process: Process) -> None:
        world.store.down = world.queue.down = True
        with pytest.raises(Unavailable) as refusal:
            process.poll()
        assert refusal.value.outcome is None


class TestWaiting:
    def poll(self, process: Process, wait_s: float) -> list[str]:
        polled = process.messenger.poll("bob", NOON_US - 1, 50, wait_s)
        return [message.content for message in polled.page.messages]

    def test_what_is_there_is_answered_at_once(self, world: World, process: Process) -> None:
        process.send("hi")
        assert self.poll(process, 25) == ["hi"]
        assert world.notifier.waits_s == []

    def test_a_poll_that_may_not_wait_does_not(self, world: World, process: Process) -> None:
        assert self.poll(process, 0) == []
        assert world.notifier.waits_s == []

    def test_a_message_ends_the_wait(self, world: World, process: Process) -> None:
        world.notifier.on_wait = lambda: process.send("hi")
        assert self.poll(process, 25) == ["hi"]
        assert world.notifier.waits_s == [25]

    def test_in_vain_it_waits_as_long_as_asked(self, world: World, process: Process) -> None:
        assert self.poll(process, 2.5) == []
        assert world.notifier.waits_s == [2.5]

    def test_woken_for_nothing_it_waits_on(self, world: World, process: Process) -> None:
        world.notifier.wakes_after_s = 1.0
        assert self.poll(process, 2.5) == []
        assert world.notifier.waits_s == [2.5, 1.5, 0.5]

    def test_the_end_of_the_process_ends_the_wait(self, world: World, process: Process) -> None:
        def stop() -> None:
            world.notifier.is_stopping = True

        world.notifier.on_wait = stop
        assert self.poll(process, 25) == []
        assert len(world.notifier.waits_s) == 1

    def test_a_failure_ends_the_wait(self, world: World, process: Process) -> None:
        def break_both() -> None:
            world.queue.down = world.store.down = True

        world.notifier.on_wait = break_both
        with pytest.raises(Unavailable):
            self.poll(process, 25)


class TestConversation:
    def chain(self, process: Process, limit: int) -> list[str]:
        seen: list[str] = []
        before: int | None = None
        while True:
            page = process.messenger.conversation("bob", "alice", before, limit)
            seen += [message.id for message in page.messages]
            if not page.has_more:
                return seen
            before = page.messages[-1].timestamp_us

    @pytest.mark.parametrize("limit", [1, 2, 3, 10])
    def test_two_messages_of_one_microsecond_are_both_seen(
        self, world: World, process: Process, limit: int
    ) -> None:
        for n in range(3):
            world.store.append(Draft(f"there-{n}", "alice", "bob", "x", None), NOON_US + n)
            world.store.append(Draft(f"back-{n}", "bob", "alice", "x", None), NOON_US + n)
        seen = self.chain(process, limit)
        assert len(seen) == len(set(seen)) == 6

    def test_it_needs_mongodb(self, world: World, process: Process) -> None:
        world.store.down = True
        with pytest.raises(Unavailable):
            process.messenger.conversation("bob", "alice", None, 10)
