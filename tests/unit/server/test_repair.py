"""The repairer brings stores back and pays what queues are owed; what it knows is never too little."""

from __future__ import annotations

import pytest

from reference_server.debts import PENDING_S, Debts
from reference_server.errors import QueueUnavailable
from reference_server.message import Draft
from reference_server.repair import PAYMENTS_PER_STEP
from tests.unit.server.world import Clock, Process, World


def break_redis(world: World) -> None:
    world.queue.down = True
    world.queue.breaker.open(QueueUnavailable("Connection refused"))


def break_mongodb(world: World) -> None:
    world.store.down = True
    world.store.breaker.open(QueueUnavailable("Connection refused"))


class TestBreakers:
    def test_redis_comes_back_with_the_step_after_its_recovery(self, world: World, process: Process) -> None:
        break_redis(world)
        process.repairer.step()
        assert world.queue.breaker.is_open
        world.queue.down = False
        process.repairer.step()
        assert not world.queue.breaker.is_open

    def test_mongodb_comes_back_with_the_step_after_its_recovery(
        self, world: World, process: Process
    ) -> None:
        break_mongodb(world)
        process.repairer.step()
        assert world.store.breaker.is_open
        world.store.down = False
        process.repairer.step()
        assert not world.store.breaker.is_open

    def test_a_working_redis_stays_unused_until_the_debts_are_known(
        self, world: World, process: Process
    ) -> None:
        """Its lists may have missed messages that other workers could not push."""
        break_redis(world)
        break_mongodb(world)
        world.queue.down = False
        process.repairer.step()
        assert world.queue.breaker.is_open
        world.store.down = False
        process.repairer.step()
        assert not world.queue.breaker.is_open

    def test_a_debt_made_while_redis_was_away_is_known_when_it_is_used_again(
        self, world: World, process: Process
    ) -> None:
        other = world.process()
        process.send("one")
        break_redis(world)
        other.send("two")
        world.queue.down = False
        payments: list[str] = []
        world.queue.before_push = lambda: payments.append(str("bob" in process.debts))
        process.repairer.step()
        assert payments == ["True"]
        assert process.contents() == ["one", "two"]


class TestDebts:
    def test_they_are_paid_and_forgotten(self, world: World, process: Process) -> None:
        world.queue.down = True
        process.send("one")
        process.send("two")
        world.queue.down = False
        process.repairer.step()
        assert world.store.traces == {}
        assert [message.content for message in world.queue.lists["bob"]] == ["one", "two"]

    def test_any_worker_pays_any(self, world: World, process: Process) -> None:
        other = world.process()
        world.queue.down = True
        process.send("one")
        world.queue.down = False
        other.repairer.step()
        assert world.store.traces == {}

    def test_one_that_grows_while_it_is_paid_stays(self, world: World, process: Process) -> None:
        world.queue.down = True
        process.send("one")
        world.queue.down = False
        world.queue.before_push = lambda: world.store.owe("bob", 2)
        process.repairer.step()
        assert world.store.traces == {"bob": 2}

    def test_payment_goes_on_when_redis_fails_in_the_middle(self, world: World, process: Process) -> None:
        world.queue.down = True
        process.send("to bob")
        process.send("to carol", to="carol")
        process.repairer.step()
        assert set(world.store.traces) == {"bob", "carol"}
        world.queue.down = False
        process.repairer.step()
        assert world.store.traces == {}

    def test_many_are_paid_in_several_steps_without_a_pause(self, world: World, process: Process) -> None:
        names = [f"user{n}" for n in range(PAYMENTS_PER_STEP + 1)]
        world.queue.down = True
        for name in names:
            world.store.users[name] = "hash"
            process.send("hi", to=name)
        world.queue.down = False
        assert process.repairer.step() is True
        assert len(world.store.traces) == 1
        assert process.repairer.step() is False
        assert world.store.traces == {}

    def test_a_process_that_just_started_counts_every_mailbox_as_owed(self, clock: Clock) -> None:
        debts = Debts(clock.monotonic)
        assert "bob" in debts
        debts.refresh(dict)
        assert "bob" not in debts

    def test_one_added_during_a_look_is_not_lost_by_it(self, clock: Clock) -> None:
        debts = Debts(clock.monotonic)

        def look() -> dict[str, int]:
            debts.add("bob")  # written behind the back of a look that has read already
            return {}

        debts.refresh(look)
        assert "bob" in debts
        debts.refresh(lambda: {"bob": 1})
        assert "bob" in debts
        debts.refresh(dict)
        assert "bob" not in debts

    def test_they_can_be_counted(self, clock: Clock) -> None:
        debts = Debts(clock.monotonic)
        assert len(debts) == 0
        debts.refresh(lambda: {"alice": 1, "bob": 1})
        assert len(debts) == 2

    def test_a_failed_look_changes_nothing(self, world: World, process: Process) -> None:
        world.queue.down = True
        process.send("hi")
        world.store.down = True
        process.repairer.step()
        assert "bob" in process.debts

    def test_a_suspicion_lasts_as_long_as_a_late_insert_may_come(self, clock: Clock) -> None:
        debts = Debts(clock.monotonic)
        debts.suspect("bob")
        clock.advance(PENDING_S - 0.1)
        debts.clear("bob")
        assert debts.pending() == ["bob"]
        clock.advance(0.2)
        debts.clear("bob")
        assert debts.pending() == []


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
        new.repairer.step()
        new.repairer.step()
        assert process.contents() == ["before", "orphan"]
        assert world.store.prepared == prepared + 1

    def test_a_bug_does_not_end_the_repairs(
        self,
        world: World,
        process: Process,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def bug() -> dict[str, int]:
            raise ZeroDivisionError("bug")

        monkeypatch.setattr(world.store, "owed", bug)
        assert process.repairer._step_safely() is False
        assert "Repairer step failed" in caplog.text
