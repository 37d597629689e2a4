"""One has the slot at a time, addresses are served in turn, and who fills the queue is dropped."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from reference_server.errors import Unavailable
from reference_server.fair_queue import FairQueue, Waiting

HOME, AWAY = "192.0.2.1", "192.0.2.2"


class Line:
    """People who queue up while the slot is taken."""

    def __init__(self, longest: int = 100) -> None:
        self.queue = FairQueue(longest)
        assert self.queue.enter("198.51.100.1", "the first") is None
        self._places: dict[str, Waiting] = {}

    def join(self, name: str, network: str = HOME, account: str = "") -> None:
        place = self.queue.enter(network, account or name)
        assert place is not None
        self._places[name] = place

    def released(self) -> list[str]:
        """Who got the slot since the last look."""
        names = [name for name, place in self._places.items() if place.released.is_set()]
        return [name for name in names if not self._places.pop(name).dropped]

    def dropped(self) -> list[str]:
        return [name for name, place in self._places.items() if place.dropped]

    def order(self) -> list[str]:
        """Let one after the other have the slot, to the last one."""
        order: list[str] = []
        while len(self.queue):
            self.queue.leave()
            order += self.released()
        return order


def test_at_one_address_who_came_first_is_served_first() -> None:
    line = Line()
    for name in "abc":
        line.join(name)
    assert line.released() == []
    assert line.order() == ["a", "b", "c"]


def test_addresses_take_turns() -> None:
    line = Line()
    for number in range(50):
        line.join(f"attacker {number}", HOME)
    line.join("honest", AWAY)
    line.join("neighbour", AWAY)
    order = line.order()
    assert order.index("honest") == 1
    assert order.index("neighbour") == 3


def test_at_one_address_many_as_one_user_let_others_pass() -> None:
    line = Line()
    for number in range(20):
        line.join(f"guess {number}", account="victim")
    line.join("honest")
    assert line.order()[:3] == ["guess 0", "honest", "guess 1"]


def test_when_it_is_full_the_last_one_of_the_longest_line_is_sent_away() -> None:
    line = Line(longest=3)
    for name in "abc":
        line.join(name, HOME)
    line.join("honest", AWAY)
    assert line.dropped() == ["c"]
    line.join("d", HOME)
    assert line.dropped() == ["c", "d"]
    assert len(line.queue) == 3
    assert line.order() == ["a", "honest", "b"]


def test_who_asks_again_as_the_same_user_is_sent_away_before_others() -> None:
    line = Line(longest=3)
    for name in ("guess", "guess again"):
        line.join(name, account="victim")
    line.join("a")
    line.join("b")
    assert line.dropped() == ["guess again"]


def test_the_turn_is_free_again_after_the_last_one() -> None:
    line = Line()
    line.queue.leave()
    assert line.queue.enter(HOME, "next") is None


def test_who_is_sent_away_is_told_to_come_back() -> None:
    queue = FairQueue(longest=0)
    with (
        queue.slot(HOME, "a"),
        pytest.raises(Unavailable, match="Too many are signing in"),
        queue.slot(HOME, "b"),
    ):
        raise AssertionError("there was no slot")
    with queue.slot(HOME, "b"):
        assert len(queue) == 0


def test_an_error_in_a_turn_ends_it() -> None:
    queue = FairQueue(longest=1)
    with pytest.raises(ZeroDivisionError), queue.slot(HOME, "a"):
        raise ZeroDivisionError
    assert queue.enter(HOME, "b") is None


def test_of_many_threads_one_has_the_turn() -> None:
    queue, inside, most = FairQueue(longest=100), [0], [0]
    all_are_here = threading.Barrier(8, timeout=20)

    def work(number: int) -> None:
        all_are_here.wait()
        for _ in range(50):
            with queue.slot(f"192.0.2.{number % 3}", f"user{number}"):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert most == [1]
    assert len(queue) == 0
