"""The relay rests while no one polls and nothing is wrong; a poll after a rest relies on nothing old."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from reference_server import rhythm as module
from reference_server.errors import QueueUnavailable
from reference_server.rhythm import REST_AFTER_S, REST_INTERVAL_S, Rhythm
from tests.unit.server.world import Clock, Process, World


class Threads:
    """The relay's waits, which take no time: `during` is done in each, and the clock moves on."""

    def __init__(self, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waits = 0
        self.during: Callable[[], object] = lambda: None
        monkeypatch.setattr(module, "INTERVAL_S", 0)
        self.rhythm = Rhythm(clock.monotonic)
        self.wait = wait = self.rhythm._wake.wait

        def instant(timeout_s: float) -> bool:
            self.waits += 1
            clock.advance(0.25)
            self.during()
            return wait(timeout_s)

        monkeypatch.setattr(self.rhythm._wake, "wait", instant)


@pytest.fixture
def threads(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Threads:
    return Threads(clock, monkeypatch)


def rest(threads: Threads, clock: Clock) -> None:
    """Let the relay step until it may rest."""
    clock.advance(REST_AFTER_S)
    threads.rhythm.stepped()


class TestPauses:
    def test_one_interval_after_a_poll(self, threads: Threads) -> None:
        threads.rhythm.attend()
        threads.rhythm.pause(lambda: False)
        assert threads.waits == 1

    def test_many_while_no_one_polls(self, threads: Threads, clock: Clock) -> None:
        rest(threads, clock)
        threads.rhythm.pause(lambda: False)
        assert threads.waits == REST_INTERVAL_S / 0.25

    def test_one_interval_while_something_is_wrong(self, threads: Threads, clock: Clock) -> None:
        rest(threads, clock)
        threads.rhythm.pause(lambda: True)
        assert threads.waits == 1

    def test_a_rest_ends_within_one_interval_after_a_failure(self, threads: Threads, clock: Clock) -> None:
        rest(threads, clock)
        threads.rhythm.pause(lambda: threads.waits == 3)
        assert threads.waits == 3

    def test_a_rest_ends_with_a_poll_which_waits_for_the_step(self, threads: Threads, clock: Clock) -> None:
        rest(threads, clock)
        answered: list[str] = []

        def attend() -> None:
            threads.rhythm.attend()
            answered.append("poll")

        poll = threading.Thread(target=attend)

        def look() -> None:
            if threads.waits == 3:
                poll.start()
                assert threads.wait(10)

        threads.during = look
        threads.rhythm.pause(lambda: False)
        assert threads.waits == 3
        assert answered == []
        threads.rhythm.stepped()
        poll.join(10)
        assert answered == ["poll"]


def quiet(world: World, process: Process) -> None:
    world.clock.advance(REST_AFTER_S + 0.1)
    process.relay.step()
    process.rhythm.stepped()


class TestWhoNeedsTheRelay:
    def test_no_one_if_nothing_is_wrong(self, world: World, process: Process) -> None:
        process.send("hi")
        quiet(world, process)
        assert not process.relay.has_work()
        assert process.rhythm.may_rest()

    def test_a_poll_also_one_that_is_held(self, world: World, process: Process) -> None:
        quiet(world, process)
        process.poll()
        assert not process.rhythm.may_rest()
        quiet(world, process)
        seen: list[bool] = []

        def meanwhile() -> None:
            quiet(world, process)
            process.rechecks.step()
            seen.append(process.rhythm.may_rest())

        world.notifier.on_wait = meanwhile
        process.messenger.poll("bob", None, 50, wait_s=25)
        assert seen == [False]

    def test_a_store_that_is_not_in_use(self, world: World, process: Process) -> None:
        for store in (world.queue, world.store):
            store.breaker.open(QueueUnavailable("Connection refused"))
            assert process.relay.has_work()
            store.breaker.close()
        assert not process.relay.has_work()

    def test_a_step_that_failed(self, world: World, process: Process) -> None:
        world.queue.down = True
        process.relay.step()
        assert process.relay.has_work()
        world.queue.down = False
        process.relay.step()
        assert not process.relay.has_work()

    def test_an_outbox_entry_and_a_suspected_queue(self, world: World, process: Process) -> None:
        process.stale_queues.add("bob")
        assert process.relay.has_work()
        process.stale_queues.refresh(dict)
        assert not process.relay.has_work()
        process.stale_queues.suspect("bob", late_s=0.0)
        assert process.relay.has_work()
        process.relay.step()
        assert not process.relay.has_work()

    def test_the_outbox_that_was_never_read(self, world: World, process: Process) -> None:
        world.store.down = True
        assert world.process().relay.has_work()
