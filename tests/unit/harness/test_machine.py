from __future__ import annotations

import itertools
import threading
from pathlib import Path
from typing import Any

from harness.machine import MachineWatch, waited_for_a_processor_us


def kernel_says(path: Path, total_us: int) -> Path:
    path.write_text(
        f"some avg10=0.00 avg60=0.00 avg300=0.00 total={total_us}\n"
        "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
    )
    return path


def test_the_kernels_count_is_read_and_a_machine_without_one_has_none(tmp_path: Path) -> None:
    assert waited_for_a_processor_us(kernel_says(tmp_path / "cpu", 1234)) == 1234
    assert waited_for_a_processor_us(tmp_path / "missing") == 0
    (tmp_path / "empty").write_text("")
    assert waited_for_a_processor_us(tmp_path / "empty") == 0


def test_a_period_in_which_everything_waited_is_recorded() -> None:
    recorded: list[dict[str, Any]] = []
    strained = threading.Event()

    def record(kind: str, **fields: Any) -> None:
        recorded.append({"kind": kind, **fields})
        strained.set()

    hours_us = itertools.count(step=3_600_000_000)
    with MachineWatch(record, lambda: next(hours_us)):
        assert strained.wait(30)
    assert recorded[0]["kind"] == "strain"
    assert recorded[0]["waiting"] > 0.8


def test_a_calm_machine_leaves_no_trace() -> None:
    looks = threading.Semaphore(0)
    recorded: list[float] = []

    def never_waited() -> int:
        looks.release()
        return 7

    def record(kind: str, *, waiting: float, **fields: Any) -> None:
        recorded.append(waiting)

    with MachineWatch(record, never_waited):
        for _ in range(3):
            assert looks.acquire(timeout=30)
    assert set(recorded) <= {0.0}  # it may have been late itself, on a machine that is not calm
