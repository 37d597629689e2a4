from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from harness.checkers.pressure import TOO_BUSY
from harness.cli.progress import Progress
from harness.verdict import Verdict

BUSY = (Verdict.INCONCLUSIVE, f"on-time: 3 of the late deliveries cannot be judged: for 2.0 s {TOO_BUSY}")
LITTLE = (Verdict.INCONCLUSIVE, "only 3 sends started during the fault")
PASSED = (Verdict.PASS, "")
BROKEN = (Verdict.FAIL, "a message was lost")


def after(*ended: tuple[Verdict, str]) -> Progress:
    """The progress of a run whose rows A, B, … ended so."""
    rows = [
        SimpleNamespace(id=id_, verdict=it[0], reason=it[1]) for id_, it in zip("ABC", ended, strict=False)
    ]
    collector = SimpleNamespace(record=SimpleNamespace(rows=rows))
    config: Any = SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin=lambda name: collector))
    progress = Progress(Console(quiet=True), rows=len(rows))
    progress.pytest_configure(config)
    return progress


@pytest.mark.parametrize(
    ("ended", "again"),
    [
        ([PASSED, BUSY, BUSY], ["B", "C"]),
        ([PASSED, PASSED], []),
        ([BUSY, BROKEN], []),
        ([BUSY, LITTLE], []),
    ],
)
def test_rows_are_worth_another_try_only_if_the_machine_alone_was_to_blame(
    ended: list[tuple[Verdict, str]], again: list[str]
) -> None:
    assert after(*ended).too_busy() == again
