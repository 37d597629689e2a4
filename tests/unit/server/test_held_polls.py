"""One user cannot hold all connections: only so many polls may wait."""

from __future__ import annotations

import contextlib

import pytest

from reference_server.held_polls import HeldPolls
from tests.unit.server.http_app import Http
from tests.unit.server.world import World


def test_one_more_than_may_be_held_is_answered_at_once() -> None:
    polls = HeldPolls(most=2)
    with contextlib.ExitStack() as held:
        for _ in range(2):
            assert held.enter_context(polls.hold("bob", 25.0)) == 25.0
        assert held.enter_context(polls.hold("bob", 25.0)) == 0.0
        assert held.enter_context(polls.hold("alice", 25.0)) == 25.0
        assert len(polls) == 3
    assert len(polls) == 0
    with polls.hold("bob", 25.0) as wait_s:
        assert wait_s == 25.0


def test_one_that_does_not_wait_takes_no_place() -> None:
    polls = HeldPolls(most=1)
    with polls.hold("bob", 0.0) as wait_s, polls.hold("bob", 3.0) as other_wait_s:
        assert (wait_s, other_wait_s) == (0.0, 3.0)


def test_one_that_fails_gives_its_place_back() -> None:
    polls = HeldPolls(most=1)
    with pytest.raises(ZeroDivisionError), polls.hold("bob", 3.0):
        raise ZeroDivisionError
    assert len(polls) == 0


def test_a_poll_that_may_not_wait_is_a_poll_like_any_other(world: World) -> None:
    http = Http(world, HELD_POLLS_PER_USER="1")
    inside: list[tuple[int, int]] = []

    def poll_meanwhile() -> None:
        if not inside:
            waited = len(world.notifier.waits_s)
            inside.append((http.poll("?wait=5").status_code, len(world.notifier.waits_s) - waited))

    world.notifier.on_wait = poll_meanwhile
    assert http.poll("?wait=2").status_code == 200
    assert inside == [(200, 0)]
