"""Who waits for a turn at a mailbox is served with all the others, in order, and told what became of it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence

import pytest

from harness.stack import wait_until
from reference_server import turns as module
from reference_server.turns import TooLate, Turns


class Served:
    """Doubles numbers, in batches that last until a test lets them end. A negative one has an exception."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.may_end = threading.Semaphore(0)
        self.bug: BaseException | None = None
        self.turns: Turns[int, int] = Turns(self._serve, everyones=(ConnectionError,))
        self._threads: list[threading.Thread] = []
        self.outcomes: dict[int, object] = {}

    def _serve(self, mailbox: str, items: Sequence[int]) -> list[int | BaseException]:
        self.batches.append(list(items))
        assert mailbox != "bob" or self.may_end.acquire(timeout=30)
        if self.bug:
            raise self.bug
        return [ValueError(str(item)) if item < 0 else 2 * item for item in items]

    def start(self, *items: int, timeout_s: float = 30) -> None:
        """Ask for each item in its own thread, one after the other."""
        for item in items:
            thread = threading.Thread(target=self._ask, args=(item, timeout_s), daemon=True)
            self._threads.append(thread)
            before = self._known()
            thread.start()
            wait_until(lambda n=before: self._known() > n, deadline_s=10, what="one more to wait")

    def _ask(self, item: int, timeout_s: float) -> None:
        try:
            self.outcomes[item] = self.turns.take("bob", item, timeout_s)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test looks at it
            self.outcomes[item] = error

    def _known(self) -> int:
        """How many are being served or wait."""
        return sum(map(len, self.batches)) + len(self.turns._waiting.get("bob", ()))

    def end(self, batches: int) -> None:
        self.may_end.release(batches)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    yield served
    assert served.turns._waiting == {}


def test_who_is_alone_is_served_at_once(served: Served) -> None:
    served.may_end.release(2)
    assert served.turns.take("bob", 1, 0.001) == 2
    assert served.turns.take("bob", 2, 0.001) == 4
    assert served.batches == [[1], [2]]


def test_those_who_wait_are_one_batch_in_the_order_in_which_they_came(served: Served) -> None:
    served.start(1, 2, 3, 4)
    assert served.batches == [[1]]
    served.end(batches=2)
    assert served.batches == [[1], [2, 3, 4]]
    assert served.outcomes == {1: 2, 2: 4, 3: 6, 4: 8}


def test_a_batch_has_a_limit(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    served.start(1, 2, 3, 4)
    served.end(batches=3)
    assert served.batches == [[1], [2, 3], [4]]
    assert served.outcomes == {1: 2, 2: 4, 3: 6, 4: 8}


def test_another_mailbox_does_not_wait(served: Served) -> None:
    served.start(1)
    assert served.turns.take("carol", 7, 0.001) == 14
    served.end(batches=1)


def test_each_has_its_own_outcome(served: Served) -> None:
    served.start(1, 2, -3, 4)
    served.end(batches=2)
    assert isinstance(served.outcomes.pop(-3), ValueError)
    assert served.outcomes == {1: 2, 2: 4, 4: 8}


def test_who_waits_too_long_is_not_served(served: Served) -> None:
    served.start(1)
    with pytest.raises(TooLate):
        served.turns.take("bob", 2, 0.001)
    served.start(3)
    served.end(batches=2)
    assert served.batches == [[1], [3]]


class TimeIsUp(threading.Event):
    """Whose time is up at once, but who is called if it waits on."""

    def wait(self, timeout: float | None = None) -> bool:
        return timeout is None


def test_who_is_being_served_waits_for_the_outcome(served: Served) -> None:
    """It may be stored already: to say that it is not would be wrong."""
    place = module._Place[int, int](3)
    place.called = TimeIsUp()
    served.turns._wait("bob", place, 0.4)
    served.turns._waiting["bob"] = deque([place])
    with pytest.raises(TooLate):
        served.turns._wait("bob", place, 0.4)
    del served.turns._waiting["bob"]


def test_a_failure_that_is_everyones_reaches_those_who_wait(served: Served) -> None:
    served.start(1, 2, 3)
    served.bug = ConnectionError("down")
    served.end(batches=1)
    assert served.outcomes == dict.fromkeys((1, 2, 3), served.bug)
    served.bug = None
    served.may_end.release()
    assert served.turns.take("bob", 4, 0.001) == 8


@pytest.mark.parametrize("bug", [ZeroDivisionError("bug"), SystemExit(1)])
def test_a_bug_is_everyones_and_ends_no_turns(served: Served, bug: BaseException) -> None:
    served.start(1, 2, 3)
    served.bug = bug
    served.end(batches=2)
    assert set(served.outcomes.values()) == {bug}
    served.bug = None
    served.may_end.release()
    assert served.turns.take("bob", 4, 0.001) == 8


def test_who_is_about_to_wait_can_join_before_the_first_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[list[int]] = []

    def serve(mailbox: str, items: Sequence[int]) -> Sequence[int]:
        batches.append(list(items))
        return items

    turns = Turns[int, int](serve)
    other = threading.Thread(target=turns.take, args=("bob", 2, 30), daemon=True)

    def others_run(seconds: float) -> None:
        monkeypatch.undo()
        other.start()
        wait_until(lambda: bool(turns._waiting["bob"]), deadline_s=10, what="the other one to wait")

    monkeypatch.setattr(module.time, "sleep", others_run)
    assert turns.take("bob", 1, 30) == 1
    other.join(10)
    assert batches == [[1, 2]]
