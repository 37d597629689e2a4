from __future__ import annotations

import pytest
from rich.console import Console

from benchmarks.figures import FIGURES
from benchmarks.table import cells, notes, number, table
from harness.verdict import Verdict
from tests.unit.benchmarks.made import BUSY, result, run


def test_a_line_has_the_value_its_spread_the_bound_and_what_was_measured() -> None:
    found = cells(result(values=[1.4, 1.5, 1.6]))
    assert found == ["idle_poll_cpu_ratio", "1.50", "± 0.05", "≤ 1.6", "346 µs", "220 µs", "pass"]


def test_a_figure_that_is_not_a_ratio_is_what_the_server_uses() -> None:
    one = result("rest_cpu_percent", [0.5], is_ratio=False, unit="%", subject=0.5, floor=0.1, bound=1.0)
    assert cells(one) == ["rest_cpu_percent", "0.50", "± 0.00", "≤ 1", "0.50 %", "0.10 %", "pass"]
    assert cells(result(more_is_better=True))[3] == "≥ 1.6"


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0, "0.00"), (1.234, "1.23"), (12.34, "12.3"), (123.4, "123"), (12345.6, "12,346"), (-12.34, "-12.3")],
)
def test_numbers_have_three_digits_that_count(value: float, said: str) -> None:
    assert number(value) == said


def test_eighty_columns_are_enough_for_every_figure() -> None:
    console = Console(width=80, record=True, file=None, force_terminal=False)
    figures = [
        result(
            name,
            [29.6],
            subject=12_345.6,
            floor=1_234.5,
            unit=figure.unit,
            is_ratio=False,
            verdict=Verdict.INCONCLUSIVE,
            bound=figure.bound,
        )
        for name, figure in FIGURES.items()
    ]
    with console.capture() as capture:
        console.print(table(figures))
    lines = capture.get().splitlines()
    assert len(lines) == 1 + len(FIGURES)
    assert all(line.rstrip().endswith("inconclusive") for line in lines[1:])


def test_the_notes_say_why_where_and_that_the_machine_was_busy() -> None:
    busy = result("b", busyness=BUSY, verdict=Verdict.INCONCLUSIVE, reason="other programs used 62% of it")
    said = notes(run(result("a"), busy, quick=True))
    assert said[0] == "b: other programs used 62% of it."
    assert said[1] == "Other programs used this machine meanwhile, so that a missed bound is inconclusive: b."
    assert said[2] == "capacity_ratio has a session of its own: python3 -m nox -s capacity"
    assert (
        said[3] == "1 min 01 s, quick; 2 processors, Python 3.11.7, load average at the start 0.50 0.25 0.12."
    )


def test_a_generator_that_may_have_been_the_limit_is_named() -> None:
    said = notes(
        run(result("a", beside={"generator_share": 0.95}), result("b", beside={"generator_share": 0.5}))
    )
    assert [note for note in said if "generator" in note] == ["a: the generator was as busy as the server."]


def test_a_quiet_run_says_nothing_of_other_programs() -> None:
    assert not any("Other programs" in note for note in notes(run(result("a"))))
