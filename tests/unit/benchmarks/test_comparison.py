from __future__ import annotations

import pytest

from benchmarks.comparison import change, compare, require_common, verdict
from benchmarks.table import about_changes, changed
from harness.errors import UsageError
from harness.reports.comparison import Move
from harness.verdict import Verdict
from tests.unit.benchmarks.made import BUSY, HERE, result, run


def moved(before: list[float], after: list[float], **changes: object) -> Move:
    return change(result(values=before, **changes), result(values=after, **changes)).move


def test_what_stays_within_the_notches_has_not_moved() -> None:
    assert moved([1.0, 1.3, 1.6], [1.2, 1.5, 1.9]) is Move.SAME


def test_what_leaves_the_notches_has_moved_in_the_direction_that_the_figure_says() -> None:
    before, after = [1.00, 1.01, 1.02], [1.20, 1.21, 1.22]
    assert moved(before, after) is Move.WORSE
    assert moved(after, before) is Move.BETTER
    assert moved(before, after, more_is_better=True) is Move.BETTER
    assert moved(after, before, more_is_better=True) is Move.WORSE


def test_a_change_below_five_percent_is_noise_however_alike_the_rounds_are() -> None:
    assert moved([1.0] * 9, [1.04] * 9) is Move.SAME
    assert moved([1.0] * 9, [1.06] * 9) is Move.WORSE


def test_a_change_below_the_resolution_is_noise_also_from_zero() -> None:
    assert moved([0.0] * 9, [0.2] * 9, resolution=0.2) is Move.SAME
    assert moved([0.0] * 9, [0.3] * 9, resolution=0.2) is Move.WORSE


def test_from_zero_anything_is_a_move_and_its_share_is_not_shown() -> None:
    found = change(result(values=[0.0]), result(values=[0.5]))
    assert found.move is Move.WORSE
    assert changed(found) == ["idle_poll_cpu_ratio", "0.00", "0.50", "+0.50", "± 0.00", "worse"]


@pytest.mark.parametrize("busy", ["before", "after"])
def test_what_looks_worse_on_a_busy_machine_is_unsure(busy: str) -> None:
    before = result(values=[1.0], **({"busyness": BUSY} if busy == "before" else {}))
    after = result(values=[2.0], **({"busyness": BUSY} if busy == "after" else {}))
    found = compare(run(before), run(after))
    assert [one.move for one in found] == [Move.UNSURE]
    assert verdict(found) is Verdict.INCONCLUSIVE
    assert "may not be worse: idle_poll_cpu_ratio" in about_changes(run(before), run(after), found)[0]


def test_one_figure_that_became_worse_fails_a_comparison() -> None:
    before = run(result("a", [1.0]), result("b", [1.0]))
    after = run(result("a", [0.5]), result("b", [1.5]))
    assert verdict(compare(before, after)) is Verdict.FAIL
    assert verdict(compare(before, before)) is Verdict.PASS


def test_figures_of_one_run_alone_are_not_compared_and_named() -> None:
    before, after = run(result("gone"), result("both")), run(result("both"), result("added"))
    found = compare(before, after)
    assert [one.after.name for one in found] == ["both"]
    assert about_changes(before, after, found) == ["Not compared: added, gone."]


def test_a_figure_in_another_unit_is_not_compared() -> None:
    before = run(result(is_ratio=False, unit="ms"), result("b"))
    assert [one.after.name for one in compare(before, run(result(), result("b")))] == ["b"]


def test_runs_without_a_common_figure_are_refused_with_what_the_earlier_one_has() -> None:
    with pytest.raises(UsageError, match="no figure in common: the earlier one has a, b"):
        require_common(run(result("a"), result("b")), ["c"])


def test_another_machine_is_named() -> None:
    elsewhere = run(result(), environment=type(HERE)(**{**_fields(HERE), "cpus": 64}))
    said = about_changes(elsewhere, run(result()), compare(elsewhere, run(result())))
    assert said == ["The earlier run was on another machine: 64 processors, Linux-6."]


def _fields(structure: object) -> dict[str, object]:
    return {name: getattr(structure, name) for name in type(structure).__struct_fields__}  # type: ignore[attr-defined]
