"""Which workers the master takes for hanging. Its signals are tested in tests/edge/server."""

from __future__ import annotations

from typing import Any

import pytest
from gunicorn.arbiter import Arbiter

from reference_server.process import master
from reference_server.process.master import Master

TIMEOUT_S = 30.0


class Clock:
    """Stands for the module `time`."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


class App:
    """What gunicorn asks of an application here."""

    cfg = None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(master, "time", clock)
    return clock


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When gunicorn was let look for workers that hang."""
    looks: list[float] = []
    monkeypatch.setattr(Arbiter, "murder_workers", lambda self: looks.append(master.time.monotonic()))
    return looks


@pytest.fixture
def arbiter(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(Arbiter, "setup", lambda self, app: None)
    made = Master(App())
    made.timeout = TIMEOUT_S
    return made


def look_for(arbiter: Any, clock: Clock, seconds: int) -> None:
    for _ in range(seconds):
        clock.now_s += 1.0
        arbiter.murder_workers()


def test_it_looks_every_second(arbiter: Any, clock: Clock, looks: list[float]) -> None:
    look_for(arbiter, clock, 100)
    assert len(looks) == 100


def test_after_a_pause_of_its_own_it_gives_every_worker_its_whole_time_again(
    arbiter: Any, clock: Clock, looks: list[float]
) -> None:
    look_for(arbiter, clock, 3)
    looks.clear()
    clock.now_s += 3600.0
    arbiter.murder_workers()
    look_for(arbiter, clock, 30)
    assert looks == []
    look_for(arbiter, clock, 1)
    assert len(looks) == 1
