"""What a send does and answers, with every store working and with any of them gone."""

from __future__ import annotations

import logging

import pytest

from reference_server.errors import IdempotencyMismatch, NotFound, StoreUnavailable, Unavailable
from reference_server.message import Draft
from tests.unit.server.world import Process, World

LINE = "Message sent from 'alice' to 'bob' (MongoDB {})"


def test_a_send_is_stored_and_queued(
    world: World, process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sent = process.send("hi")
    assert (sent.queued, sent.replayed) == (True, False)
    assert world.store.tail("bob", 10) == world.queue.lists["bob"] == [sent.message]
    assert LINE.format("+ Redis") in caplog.messages


def test_without_redis_it_is_stored_and_the_push_is_owed(
    world: World, process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world.queue.down = True
    sent = process.send("hi")
    assert (sent.queued, sent.replayed) == (False, False)
    assert world.store.outbox == {"bob": 1}
    assert LINE.format("only") in caplog.messages
    [error] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert error.getMessage() == "Redis error sending message: Connection refused"
    assert error.exc_info, "the trace is missing"


def test_without_redis_and_without_a_trace_it_is_not_acked(world: World, process: Process) -> None:
    """If the process were killed now, no other process would know that the queue lacks the message."""
    world.queue.down = True

    def mongodb_dies_too() -> None:
        world.store.down = True

    world.queue.before_push = mongodb_dies_too
    with pytest.raises(Unavailable) as refusal:
        process.send("hi")
    assert refusal.value.outcome == "unknown"


def test_without_mongodb_nothing_is_stored_and_nothing_queued(world: World, process: Process) -> None:
    world.store.down = True
    with pytest.raises(Unavailable) as refusal:
        process.send("hi")
    assert refusal.value.outcome == "not_stored"
    assert world.store.messages == []
    assert world.queue.lists == {}


def test_a_lost_answer_of_mongodb_is_unknown(world: World, process: Process) -> None:
    world.store.answers_lost = True
    with pytest.raises(Unavailable) as refusal:
        process.send("hi")
    assert refusal.value.outcome == "unknown"


def test_a_message_of_unknown_outcome_is_queued_once_it_shows(world: World, process: Process) -> None:
    world.store.answers_lost = True
    with pytest.raises(Unavailable):
        process.send("hi")
    world.store.answers_lost = False
    process.relay.step()
    assert process.contents() == ["hi"]
    assert process.poll().source == "redis"


def test_a_message_that_is_stored_seconds_after_its_send_gave_up_is_queued(
    world: World, process: Process
) -> None:
    world.store.append(Draft("id-0", "alice", "bob", "before", None), 1)
    process.stale_queues.suspect("bob")
    for _ in range(4):
        process.relay.step()
        world.clock.advance(1.0)
    world.store.append(Draft("id-1", "alice", "bob", "late", None), 1)
    process.relay.step()
    assert process.contents(0) == ["before", "late"]
    world.clock.advance(5.0)
    process.relay.step()
    assert process.stale_queues.suspected() == []


def test_an_unknown_recipient_is_refused(process: Process) -> None:
    with pytest.raises(NotFound, match="nobody"):
        process.send("hi", to="nobody")


class TestSendingAgain:
    def test_the_same_id_and_content_is_answered_with_the_first_message(
        self, world: World, process: Process
    ) -> None:
        first = process.send("hi", client_id="c1")
        again = process.send("hi", client_id="c1")
        assert again.message == first.message
        assert (again.queued, again.replayed) == (True, True)
        assert world.store.tail("bob", 10) == [first.message]

    @pytest.mark.parametrize(("content", "to"), [("other", "bob"), ("hi", "carol")])
    def test_the_same_id_for_another_message_is_refused(
        self, world: World, process: Process, content: str, to: str
    ) -> None:
        process.send("hi", client_id="c1")
        with pytest.raises(IdempotencyMismatch):
            process.send(content, to=to, client_id="c1")
        assert len(world.store.messages) == 1

    def test_a_retry_queues_what_a_killed_process_only_stored(self, world: World, process: Process) -> None:
        process.send("before")
        world.store.append(Draft("id-1", "alice", "bob", "orphan", "c1"), 1)
        assert process.contents() == ["before"]
        again = process.send("orphan", client_id="c1")
        assert again.replayed
        assert process.contents() == ["before", "orphan"]

    def test_a_retry_after_an_unknown_outcome_is_one_message(self, world: World, process: Process) -> None:
        world.store.answers_lost = True
        with pytest.raises(Unavailable):
            process.send("hi", client_id="c1")
        world.store.answers_lost = False
        assert process.send("hi", client_id="c1").replayed
        assert process.contents() == ["hi"]

    def test_the_same_id_of_another_sender_is_another_message(self, process: Process) -> None:
        process.send("hi", client_id="c1")
        assert not process.send("hi", by="carol", client_id="c1").replayed


class TestPushes:
    def test_one_that_overtakes_another_brings_it_along(self, world: World, process: Process) -> None:
        process.send("one")
        two, three = (
            world.store.append(Draft(f"id-{n}", "alice", "bob", n, None), 1) for n in ("two", "three")
        )
        process.catch_up.push("bob", [three])
        assert process.contents() == ["one", "two", "three"]
        process.catch_up.push("bob", [two])
        assert process.contents() == ["one", "two", "three"]

    def test_a_list_lost_between_the_answer_and_the_rebuild_is_rebuilt_from_a_new_look(
        self, world: World, process: Process
    ) -> None:
        """The first look at the store misses what is stored, pushed and lost before its window arrives."""
        other = world.process()
        process.send("one")
        world.redis.empty()
        pushes = iter(["asks to rebuild", "brings the window"])

        def meanwhile() -> None:
            if next(pushes, "") == "brings the window":
                other.send("two")
                world.redis.empty()

        world.queue.before_push = meanwhile
        process.catch_up.push("bob")
        assert len(world.store.messages) == 2
        assert process.contents() == ["one", "two"]

    def test_they_give_up_where_redis_never_keeps_anything(self, world: World, process: Process) -> None:
        world.queue.before_push = lambda: world.queue.lose("bob")
        sent = process.send("hi")
        assert not sent.queued
        assert world.store.outbox == {"bob": 1}

    def test_a_long_gap_is_closed_in_batches(
        self, world: World, process: Process, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("reference_server.catch_up.BATCH", 3)
        process.send("one")
        for n in range(8):
            world.store.append(Draft(f"id-{n}", "alice", "bob", str(n), None), 1)
        process.catch_up.push_newest("bob")
        assert [message.content for message in world.queue.lists["bob"]] == ["3", "4", "5", "6", "7"]

    def test_a_rebuild_without_mongodb_says_so(self, world: World, process: Process) -> None:
        world.store.down = True
        with pytest.raises(StoreUnavailable):
            process.catch_up.push("bob")
