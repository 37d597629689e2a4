"""What several threads push to one mailbox at the same time is pushed together."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from reference_server import catch_up as module
from reference_server.errors import QueueUnavailable
from reference_server.message import Draft, Message
from tests.unit.server.world import NOON_US, Process, World


@pytest.fixture
def stored(world: World, process: Process) -> list[Message]:
    """Six messages, of which the queue has the first."""
    process.send("no. 1")
    drafts = [Draft(f"id {n}", "alice", "bob", f"no. {n}") for n in range(2, 7)]
    return [*world.store.messages, *(world.store.append(draft, NOON_US) for draft in drafts)]


def batches(world: World, process: Process, monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """What is pushed from now on, and how it is batched."""
    pushed: list[list[int]] = []
    push = process.catch_up.push

    def note(recipient: str, batch: Sequence[Message] = ()) -> int:
        pushed.append([message.seq for message in batch])
        return push(recipient, batch)

    monkeypatch.setattr(process.catch_up, "push", note)
    return pushed


def test_one_is_pushed_alone(world: World, process: Process, stored: list[Message]) -> None:
    assert process.catch_up.push_stored(stored[1]) == 2
    assert [message.seq for message in world.queue.lists["bob"]] == [1, 2]


def test_those_that_follow_each_other_are_one_push(
    world: World, process: Process, stored: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whatever order they come; one that comes twice is pushed once."""
    pushed = batches(world, process, monkeypatch)
    one, two, three, four, *_ = stored
    reached = process.catch_up._push_together("bob", [three, two, four, two, one])
    assert pushed == [[1, 2, 3, 4]]
    assert reached == [4] * 5


def test_where_other_workers_messages_are_between_them_they_are_several_pushes(
    world: World, process: Process, stored: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed = batches(world, process, monkeypatch)
    reached = process.catch_up._push_together("bob", [stored[1], stored[2], stored[5]])
    assert pushed == [[2, 3], [6]]
    assert reached == [3, 3, 6]
    assert [message.seq for message in world.queue.lists["bob"]] == [2, 3, 4, 5, 6]


def test_a_failure_is_only_of_what_was_not_pushed(
    world: World, process: Process, stored: list[Message]
) -> None:
    """The rest is not even tried: it would only take as long to fail."""
    tries = []

    def fail_from_the_second_on() -> None:
        tries.append(1)
        world.queue.down = len(tries) > 1

    world.queue.before_push = fail_from_the_second_on
    found = process.catch_up._push_together("bob", [stored[5], stored[1], stored[3]])
    assert isinstance(found[0], QueueUnavailable)
    assert found[1] == 2
    assert isinstance(found[2], QueueUnavailable)
    assert len(tries) == 2


def test_a_turn_that_comes_too_late_is_a_failed_push(
    world: World, process: Process, stored: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TURN_TIMEOUT_S", 0.001)
    refused: list[str] = []

    def push_meanwhile() -> None:
        world.queue.before_push = lambda: None
        with pytest.raises(QueueUnavailable, match="too many are pushing to the queue of 'bob'") as error:
            process.catch_up.push_stored(stored[2])
        refused.append(str(error.value))

    world.queue.before_push = push_meanwhile
    assert process.catch_up.push_stored(stored[1]) == 2
    assert len(refused) == 1
