"""Polls that wait look again even if their notice is lost, but not where there is certainly nothing new."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reference_server.rechecks import DEGRADED_RECHECK_S, EARLY_S, RECHECK_S
from tests.unit.server.world import NOON_US, Process, World


@pytest.fixture
def read_us(world: World, process: Process) -> int:
    """The cursor of a poll that has read everything; its mailbox's head is known."""
    process.send("read before")
    (message,) = process.poll().page.messages
    process.relay.step()
    return int(message.timestamp_us)


@pytest.fixture
def waiting(process: Process, read_us: int) -> Iterator[None]:
    """That poll waits."""
    with process.rechecks.expect("bob", read_us, degraded=False):
        yield


def woken_after(world: World, process: Process, seconds: float, *, relay: bool = True) -> list[str]:
    world.notifier.woken.clear()
    world.clock.advance(seconds)
    if relay:
        process.relay.step()
    process.rechecks.step()
    return world.notifier.woken


@pytest.mark.usefixtures("waiting")
def test_where_nothing_is_new_nothing_is_woken(world: World, process: Process) -> None:
    for _ in range(30):
        assert woken_after(world, process, RECHECK_S) == []


@pytest.mark.usefixtures("waiting")
def test_a_message_whose_notice_is_lost_is_found(world: World, process: Process) -> None:
    world.queue.subscribers.clear()
    world.process().send("unnoticed")
    assert woken_after(world, process, RECHECK_S, relay=False) == ["bob"]
    assert process.contents(NOON_US - 1) == ["read before", "unnoticed"]


@pytest.mark.usefixtures("waiting")
def test_where_something_may_be_new_each_poll_looks_once_a_second(world: World, process: Process) -> None:
    process.known_heads.unsubscribed()
    assert woken_after(world, process, RECHECK_S * 0.9) == []
    assert woken_after(world, process, RECHECK_S * 0.2) == ["bob"]


@pytest.mark.usefixtures("waiting")
def test_a_queue_that_may_lack_messages_is_looked_at(world: World, process: Process) -> None:
    assert woken_after(world, process, RECHECK_S) == []
    world.clock.advance(RECHECK_S)
    process.relay.step()
    process.stale_queues.add("bob")
    process.rechecks.step()
    assert world.notifier.woken == ["bob"]


@pytest.mark.usefixtures("waiting")
def test_what_is_found_to_have_nothing_new_is_due_again_a_second_later(
    world: World, process: Process
) -> None:
    assert woken_after(world, process, RECHECK_S) == []
    process.known_heads.unsubscribed()
    assert woken_after(world, process, RECHECK_S * 0.9) == []
    assert woken_after(world, process, RECHECK_S * 0.2) == ["bob"]


@pytest.mark.usefixtures("waiting")
def test_a_lease_that_lapsed_for_a_moment_wakes_no_one(world: World, process: Process) -> None:
    """On a busy machine, all polls that were due would read Redis at the same moment."""
    assert woken_after(world, process, RECHECK_S - EARLY_S / 2, relay=False) == []
    assert woken_after(world, process, EARLY_S / 4) == []
    assert woken_after(world, process, RECHECK_S - EARLY_S / 2, relay=False) == []


def test_without_redis_a_poll_looks_more_often(world: World, process: Process, read_us: int) -> None:
    world.queue.down = True
    with process.rechecks.expect("bob", read_us, degraded=True):
        assert woken_after(world, process, DEGRADED_RECHECK_S) == ["bob"]


def test_a_poll_without_a_cursor_looks_again_unless_its_mailbox_is_known_to_be_empty(
    world: World, process: Process
) -> None:
    assert process.poll().page.messages == []
    with process.rechecks.expect("bob", None, degraded=False):
        assert woken_after(world, process, RECHECK_S) == []
        process.send("hi")
        process.poll()
        assert woken_after(world, process, RECHECK_S) == ["bob"]


def test_a_poll_that_was_answered_is_not_woken(world: World, process: Process, read_us: int) -> None:
    process.known_heads.unsubscribed()
    with process.rechecks.expect("bob", read_us, degraded=False):
        pass
    assert woken_after(world, process, RECHECK_S) == []


@pytest.mark.usefixtures("waiting")
def test_the_relay_does_not_rest_while_a_poll_waits(world: World, process: Process) -> None:
    world.clock.advance(60)
    process.rhythm.stepped()
    assert process.rhythm.may_rest()
    process.rechecks.step()
    assert not process.rhythm.may_rest()


def test_the_relay_rests_while_none_waits(world: World, process: Process) -> None:
    world.clock.advance(60)
    process.rhythm.stepped()
    process.rechecks.step()
    assert process.rhythm.may_rest()
