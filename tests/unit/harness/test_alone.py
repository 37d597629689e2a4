from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness.runner import alone
from harness.runner.alone import (
    LONGEST_WAIT_S,
    LOOK_S,
    beside_no_row_alone,
    one_test_of_the_row,
    the_machine,
    wait_for_room,
)
from harness.stack import wait_until


@pytest.fixture(autouse=True)
def room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the machine always have room: on a busy one, each row waits ten seconds for some."""
    monkeypatch.setattr(alone, "wait_for_room", lambda is_free: is_free())


class Row(threading.Thread):
    """Somebody who wants the machine, and keeps it until told to end."""

    def __init__(self, folder: Path, **marks: bool) -> None:
        super().__init__(daemon=True)
        self.has_it, self.may_end = threading.Event(), threading.Event()
        self._folder, self._marks = folder, marks
        self.start()

    def run(self) -> None:
        with the_machine(self._folder, **self._marks):
            self.has_it.set()
            self.may_end.wait(30)

    def end(self) -> None:
        self.may_end.set()
        self.join(30)


def gate_is_shut(folder: Path) -> bool:
    with (folder / alone.LOCKS / "gate").open("a", encoding="utf-8") as gate:
        try:
            fcntl.flock(gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_who_must_be_alone_waits_until_all_are_gone_and_lets_nobody_pass(tmp_path: Path) -> None:
    one, other = Row(tmp_path, alone=False), Row(tmp_path, alone=False)
    assert one.has_it.wait(10)
    assert other.has_it.wait(10)
    measuring = Row(tmp_path, alone=True)
    wait_until(lambda: gate_is_shut(tmp_path), deadline_s=10, what="the gate to be shut")
    late = Row(tmp_path, alone=False)
    one.end()
    assert not measuring.has_it.wait(0.1)
    assert not late.has_it.wait(0.1)
    other.end()
    assert measuring.has_it.wait(10)
    assert not late.has_it.wait(0.1)
    measuring.end()
    assert late.has_it.wait(10)
    late.end()


def test_rows_that_must_be_alone_come_before_others_that_wait(tmp_path: Path) -> None:
    first = Row(tmp_path, alone=True)
    assert first.has_it.wait(10)
    second = Row(tmp_path, alone=True)
    wait_until(lambda: gate_is_shut(tmp_path), deadline_s=10, what="the gate to be shut")
    other = Row(tmp_path, alone=False)
    first.end()
    assert second.has_it.wait(10)
    assert not other.has_it.wait(0.1)
    second.end()
    assert other.has_it.wait(10)
    other.end()


def test_a_light_row_begins_while_another_waits_for_room_but_not_beside_one_that_is_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there_is_room, waits = threading.Event(), threading.Event()

    def wait_for_room(is_free: object) -> None:
        waits.set()
        there_is_room.wait(30)

    monkeypatch.setattr(alone, "wait_for_room", wait_for_room)
    heavy = Row(tmp_path)
    assert waits.wait(10)
    light = Row(tmp_path, light=True)
    assert light.has_it.wait(10)
    measuring = Row(tmp_path, alone=True)
    wait_until(lambda: gate_is_shut(tmp_path), deadline_s=10, what="the gate to be shut")
    late = Row(tmp_path, light=True)
    there_is_room.set()
    light.end()
    assert measuring.has_it.wait(10)
    assert not late.has_it.wait(0.1)
    assert not heavy.has_it.is_set()
    measuring.end()
    for one in (late, heavy):
        assert one.has_it.wait(10)
        one.end()


def test_a_row_that_found_the_machine_free_does_not_keep_it_from_one_that_must_be_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, may_go_on = threading.Event(), threading.Event()

    def wait_for_room(is_free: Callable[[], bool]) -> None:
        assert is_free()
        looked.set()
        may_go_on.wait(30)

    monkeypatch.setattr(alone, "wait_for_room", wait_for_room)
    heavy = Row(tmp_path, alone=False)
    assert looked.wait(10)
    measuring = Row(tmp_path, alone=True)
    assert measuring.has_it.wait(10)
    may_go_on.set()
    assert not heavy.has_it.wait(0.1)
    measuring.end()
    assert heavy.has_it.wait(10)
    heavy.end()


def test_what_is_no_row_waits_only_for_a_row_that_is_alone(tmp_path: Path) -> None:
    beside = Row(tmp_path, alone=False)
    assert beside.has_it.wait(10)
    with beside_no_row_alone(tmp_path):
        measuring = Row(tmp_path, alone=True)
        beside.end()
        assert not measuring.has_it.wait(0.1)
    assert measuring.has_it.wait(10)
    measuring.end()


def test_tests_of_one_row_never_run_at_the_same_time(tmp_path: Path) -> None:
    has_it = threading.Event()

    def other_test() -> None:
        with one_test_of_the_row(tmp_path, "CHAOS-32"):
            has_it.set()

    other = threading.Thread(target=other_test, daemon=True)
    with one_test_of_the_row(tmp_path, "CHAOS-32"), one_test_of_the_row(tmp_path, "CHAOS-33"):
        other.start()
        assert not has_it.wait(0.1)
    assert has_it.wait(10)
    other.join(10)


class Machine:
    """A machine whose kernel says, look by look, in which share of it something waited; then always 0.9."""

    def __init__(self, shares: Sequence[float], *, free_after_looks: int | None = None) -> None:
        self.now_s = 100.0
        self.looks = 0
        self._shares = list(shares)
        self._free_after = free_after_looks
        self._waited_us = 5_000_000.0

    def wait_for_room(self) -> float:
        """Return for how many seconds a row waited."""
        began_s = self.now_s
        wait_for_room(
            lambda: self.looks == self._free_after,
            waited_us=lambda: [int(self._waited_us), 0],
            now_s=lambda: self.now_s,
            sleep=self._sleep,
        )
        return self.now_s - began_s

    def _sleep(self, seconds: float) -> None:
        share = self._shares[self.looks] if self.looks < len(self._shares) else 0.9
        self.looks += 1
        self.now_s += seconds
        self._waited_us += share * seconds * 1e6


@pytest.mark.parametrize(
    ("machine", "looks"),
    [
        (Machine([], free_after_looks=0), 0),
        (Machine([0.1]), 1),
        (Machine([0.8, 0.6, 0.4]), 3),
        (Machine([0.8], free_after_looks=2), 2),
    ],
    ids=["no row runs", "there is room", "there is room later", "the last row ended"],
)
def test_a_row_begins_when_there_is_room_for_it(machine: Machine, looks: int) -> None:
    assert machine.wait_for_room() == pytest.approx(looks * LOOK_S)


def test_a_row_does_not_wait_for_ever_on_a_machine_that_others_keep_busy() -> None:
    assert Machine([]).wait_for_room() == pytest.approx(LONGEST_WAIT_S)


@pytest.mark.parametrize(
    ("processors", "waited_us", "free_gb", "at_once"),
    [
        (2, [1, 0], 100, 6),
        (2, [0, 0], 100, 3),
        (1, [0, 0], 100, 1),
        (None, [1, 0], 100, 3),
        (16, [1, 0], 8, 8),
        (2, [1, 0], 0.5, 1),
    ],
)
def test_rows_at_once_follow_from_the_processors_and_the_memory(
    monkeypatch: pytest.MonkeyPatch,
    processors: int | None,
    waited_us: list[int],
    free_gb: float,
    at_once: int,
) -> None:
    class Memory:
        available = int(free_gb * 2**30)

    monkeypatch.setattr(alone.psutil, "cpu_count", lambda: processors)
    monkeypatch.setattr(alone.psutil, "virtual_memory", Memory)
    monkeypatch.setattr(alone, "waited_us", lambda: waited_us)
    assert alone.most_at_once() == at_once
