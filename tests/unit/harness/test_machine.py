from __future__ import annotations

import itertools
import threading
from pathlib import Path
from typing import Any

import pytest

from harness.errors import CannotWrite
from harness.runner.machine import MachineWatch, waited_us


def kernel_says(file: Path, total_us: int) -> None:
    file.write_text(
        f"some avg10=0.00 avg60=0.00 avg300=0.00 total={total_us}\n"
        "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
        encoding="utf-8",
    )


def test_the_kernels_counts_are_read_and_a_machine_without_them_has_none(tmp_path: Path) -> None:
    assert waited_us(tmp_path) == [0, 0]
    kernel_says(tmp_path / "cpu", 1234)
    kernel_says(tmp_path / "io", 5)
    assert waited_us(tmp_path) == [1234, 5]
    (tmp_path / "io").write_text("", encoding="utf-8")
    assert waited_us(tmp_path) == [1234, 0]


def test_a_period_in_which_everything_waited_is_recorded() -> None:
    recorded: list[dict[str, Any]] = []
    under_pressure = threading.Event()

    def record(kind: str, **fields: Any) -> None:
        recorded.append({"kind": kind, **fields})
        under_pressure.set()

    hours_us = itertools.count(step=3_600_000_000)
    with MachineWatch(record, lambda: [0, next(hours_us)]):
        assert under_pressure.wait(30)
    assert recorded[0]["kind"] == "pressure"
    assert recorded[0]["waiting"] > 0.8


def test_a_quiet_machine_leaves_no_trace() -> None:
    looks = threading.Semaphore(0)
    recorded: list[float] = []

    def never_waited() -> list[int]:
        looks.release()
        return [7, 9]

    def record(kind: str, *, waiting: float, **fields: Any) -> None:
        recorded.append(waiting)

    with MachineWatch(record, never_waited):
        for _ in range(3):
            assert looks.acquire(timeout=30)
    assert set(recorded) <= {0.0}  # it may have been late itself, on a machine that is not quiet


def test_a_period_that_could_not_be_recorded_is_told_when_the_watch_ends() -> None:
    tried = threading.Event()

    def record(kind: str, **fields: Any) -> None:
        tried.set()
        raise CannotWrite("history.jsonl", "No space left", remedy="--reports FOLDER")

    hours_us = itertools.count(step=3_600_000_000)
    with pytest.raises(CannotWrite), MachineWatch(record, lambda: [0, next(hours_us)]):
        assert tried.wait(30)
    with pytest.raises(KeyError, match="first"), MachineWatch(record, lambda: [0, next(hours_us)]):
        raise KeyError("what went wrong first")
