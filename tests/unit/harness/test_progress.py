from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from harness.checkers.pressure import TOO_BUSY
from harness.cli.progress import Progress
from harness.cli.watching import Watching
from harness.errors import UsageError
from harness.runner.results import Ended
from harness.verdict import Verdict

BUSY = (Verdict.INCONCLUSIVE, f"on-time: 3 of the late deliveries cannot be judged: for 2.0 s {TOO_BUSY}")
LITTLE = (Verdict.INCONCLUSIVE, "only 3 sends started during the fault")
PASSED = (Verdict.PASS, "")
BROKEN = (Verdict.FAIL, "a message was lost")


def nothing_watched() -> Watching:
    return Watching([], Path("no-history.jsonl"), took_s={})


def after(*ended: tuple[Verdict, str]) -> Progress:
    """The progress of a run whose rows A, B, … ended so."""
    rows = [
        SimpleNamespace(id=id_, verdict=it[0], reason=it[1]) for id_, it in zip("ABC", ended, strict=False)
    ]
    collector = SimpleNamespace(record=SimpleNamespace(rows=rows))
    config: Any = SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin=lambda name: collector))
    progress = Progress(Console(quiet=True), nothing_watched(), rows=len(rows))
    progress.pytest_configure(config)
    progress.stop()
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


def test_a_row_that_has_ended_is_one_line_of_80_columns_or_continues_below_its_title() -> None:
    short = Ended("QUEUE-01", "Empty sender, recipient or message", Verdict.INCONCLUSIVE, 123.4)
    longer = Ended("ERR-02", "x" * 50, Verdict.PASS, 0.1)
    results = SimpleNamespace(newly_ended=lambda: [short, longer], command_of=lambda row: "")
    config: Any = SimpleNamespace(
        pluginmanager=SimpleNamespace(get_plugin=lambda name: SimpleNamespace(results=results))
    )
    printed = io.StringIO()
    progress = Progress(Console(file=printed, width=80), nothing_watched(), rows=97)
    progress.pytest_configure(config)
    progress.pytest_runtest_logfinish("test_a.py::test")
    progress.stop()
    assert printed.getvalue().splitlines() == [
        " 1/97  QUEUE-01   inconclusive   123.4 s  Empty sender, recipient or message",
        f" 2/97  ERR-02     pass             0.1 s  {'x' * 50}",
    ]


def test_what_stopped_a_run_is_a_sentence_with_the_last_lines_of_the_program_that_did() -> None:
    results = SimpleNamespace(stopped="The server ended; its last lines:\none\ntwo", stopped_with=2)
    collector = SimpleNamespace(results=results, failure=None)
    config: Any = SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin=lambda name: collector))
    progress = Progress(Console(quiet=True), nothing_watched(), rows=1)
    progress.pytest_configure(config)
    progress.stop()
    with pytest.raises(UsageError) as caught:
        progress.exit_code(2)
    assert (caught.value.sentence, caught.value.last_lines) == (
        "The server ended; its last lines:",
        "one\ntwo",
    )
