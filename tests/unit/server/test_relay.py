"""The relay brings stores back and drains the outbox; it never takes a stale queue for a complete one."""

from __future__ import annotations

from typing import Any

import pytest

from reference_server.errors import QueueUnavailable
from reference_server.message import Draft
from reference_server.relay import MAILBOXES_PER_STEP
from reference_server.stale_queues import LATE_INSERT_S, StaleQueues
from tests.unit.server.world import Clock, Process, World


def break_redis(world: World) -> None:
    world.queue.down = True
    world.queue.breaker.open(QueueUnavailable("Connection refused"))


def break_mongodb(world: World) -> None:
    world.store.down = True
    world.store.breaker.open(QueueUnavailable("Connection refused"))


def test_mailboxes_whose_pushes_went_to_a_former_redis_are_pushed_again(
    world: World, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    process.send("one")
    process.relay.step()
    draft = Draft("id-2", "alice", "bob", "two", None)
    world.store.append(draft, world.clock.now_us())  # its push went to the former one
    assert process.contents() == ["one"]
    with monkeypatch.context() as moved:
        moved.setattr(world.queue, "refresh", lambda: ["bob"])
        process.relay.step()
    assert process.contents() == ["one", "two"]
    process.relay.step()
    assert not process.stale_queues.has_any()


class TestBreakers:
    def test_redis_comes_back_with_the_step_after_its_recovery(self, world: World, process: Process) -> None:
        break_redis(world)
        process.relay.step()
        assert world.queue.breaker.is_open
        world.queue.down = False
        process.relay.step()
        assert not world.queue.breaker.is_open

    def test_mongodb_comes_back_with_the_step_after_its_recovery(
        self, world: World, process: Process
    ) -> None:
        break_mongodb(world)
        process.relay.step()
        assert world.store.breaker.is_open
        world.store.down = False
        process.relay.step()
        assert not world.store.breaker.is_open

    def test_a_working_redis_stays_unused_until_the_outbox_was_read(
        self, world: World, process: Process
    ) -> None:
        """Its lists may have missed messages that other workers could not push."""
        break_redis(world)
        break_mongodb(world)
        world.queue.down = False
        process.relay.step()
        assert world.queue.breaker.is_open
        world.store.down = False
        process.relay.step()
        assert not world.queue.breaker.is_open

    def test_an_entry_made_while_redis_was_away_is_known_when_it_is_used_again(
        self, world: World, process: Process
    ) -> None:
        other = world.process()
        process.send("one")
        break_redis(world)
        other.send("two")
        world.queue.down = False
        pushes: list[str] = []
        world.queue.before_push = lambda: pushes.append(str("bob" in process.stale_queues))
        process.relay.step()
        assert pushes == ["True"]
        assert process.contents() == ["one", "two"]


class TestOutbox:
    def test_its_entries_are_pushed_and_removed(self, world: World, process: Process) -> None:
        world.queue.down = True
        process.send("one")
        process.send("two")
        world.queue.down = False
        process.relay.step()
        assert world.store.outbox == {}
        assert [message.content for message in world.queue.lists["bob"]] == ["one", "two"]

    def test_any_worker_pushes_any_entry(self, world: World, process: Process) -> None:
        other = world.process()
        world.queue.down = True
        process.send("one")
        world.queue.down = False
        other.relay.step()
        assert world.store.outbox == {}

    def test_a_mailbox_whose_node_is_out_does_not_keep_the_others_waiting(
        self, world: World, process: Process, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In a cluster, one node may be out for long: its entries must neither block nor spin the relay."""
        names = [f"user-{number}" for number in range(MAILBOXES_PER_STEP + 1)]
        for name in names:
            world.store.add(name, "")
        world.queue.down = True
        for name in names:
            process.send(f"to {name}", to=name)
        world.queue.down = False
        push = world.queue.push

        def at_a_dead_node(recipient: str, *rest: Any) -> Any:
            if recipient != "user-7":
                return push(recipient, *rest)
            raise QueueUnavailable("Connection refused")

        monkeypatch.setattr(world.queue, "push", at_a_dead_node)
        for _ in range(100):  # which entries a step takes is random
            if process.relay.step() is False and list(world.store.outbox) == ["user-7"]:
                break
        assert list(world.store.outbox) == ["user-7"]
        assert process.relay.step() is False
        monkeypatch.setattr(world.queue, "push", push)
        process.relay.step()
        assert world.store.outbox == {}

    def test_an_entry_that_grows_while_it_is_pushed_stays(self, world: World, process: Process) -> None:
        world.queue.down = True
        process.send("one")
        world.queue.down = False
        world.queue.before_push = lambda: world.store.record("bob", 2)
        process.relay.step()
        assert world.store.outbox == {"bob": 2}

    def test_it_goes_on_after_redis_failed_in_the_middle(self, world: World, process: Process) -> None:
        world.queue.down = True
        process.send("to bob")
        process.send("to carol", to="carol")
        process.relay.step()
        assert set(world.store.outbox) == {"bob", "carol"}
        world.queue.down = False
        process.relay.step()
        assert world.store.outbox == {}

    def test_many_are_pushed_in_several_steps_without_a_pause(self, world: World, process: Process) -> None:
        names = [f"user{n}" for n in range(MAILBOXES_PER_STEP + 1)]
        world.queue.down = True
        for name in names:
            world.store.users[name] = "hash"
            process.send("hi", to=name)
        world.queue.down = False
        assert process.relay.step() is True
        assert len(world.store.outbox) == 1
        assert process.relay.step() is False
        assert world.store.outbox == {}


class TestStaleQueues:
    def test_a_process_that_just_started_takes_every_queue_for_stale(self, clock: Clock) -> None:
        stale_queues = StaleQueues(clock.monotonic)
        assert "bob" in stale_queues
        stale_queues.refresh(dict)
        assert "bob" not in stale_queues

    def test_one_added_during_a_look_is_not_lost_by_it(self, clock: Clock) -> None:
        stale_queues = StaleQueues(clock.monotonic)

        def look() -> dict[str, int]:
            stale_queues.add("bob")  # written behind the back of a look that has read already
            return {}

        stale_queues.refresh(look)
        assert "bob" in stale_queues
        stale_queues.refresh(lambda: {"bob": 1})
        assert "bob" in stale_queues
        stale_queues.refresh(dict)
        assert "bob" not in stale_queues

    def test_they_can_be_counted(self, clock: Clock) -> None:
        stale_queues = StaleQueues(clock.monotonic)
        assert len(stale_queues) == 0
        stale_queues.refresh(lambda: {"alice": 1, "bob": 1})
        assert len(stale_queues) == 2

    def test_a_failed_look_changes_nothing(self, world: World, process: Process) -> None:
        world.queue.down = True
        process.send("hi")
        world.store.down = True
        process.relay.step()
        assert "bob" in process.stale_queues

    def test_a_suspicion_lasts_as_long_as_a_late_insert_may_come(self, clock: Clock) -> None:
        stale_queues = StaleQueues(clock.monotonic)
        stale_queues.suspect("bob")
        clock.advance(LATE_INSERT_S - 0.1)
        stale_queues.clear("bob")
        assert stale_queues.suspected() == ["bob"]
        clock.advance(0.2)
        stale_queues.clear("bob")
        assert stale_queues.suspected() == []


class TestStart:
    def test_a_new_worker_pushes_what_a_killed_one_only_stored(self, world: World, process: Process) -> None:
        process.send("before")
        world.store.append(Draft("id-1", "alice", "bob", "orphan", None), 1)
        assert process.contents() == ["before"]
        world.process()
        assert process.contents() == ["before", "orphan"]

    def test_without_mongodb_it_is_made_up_for_later(self, world: World, process: Process) -> None:
        process.send("before")
        world.store.append(Draft("id-1", "alice", "bob", "orphan", None), 1)
        world.store.down = True
        new = world.process()
        prepared = world.store.prepared
        world.store.down = False
        new.relay.step()
        new.relay.step()
        assert process.contents() == ["before", "orphan"]
        assert world.store.prepared == prepared + 1

    def test_a_bug_does_not_end_the_relay(
        self,
        world: World,
        process: Process,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def bug() -> dict[str, int]:
            raise ZeroDivisionError("bug")

        monkeypatch.setattr(world.store, "pending", bug)
        assert process.relay._step_safely() is False
        assert "Relay step failed" in caplog.text
