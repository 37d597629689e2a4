"""What a run makes of the rounds that a figure measured; with figures that measure nothing."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from pymongo.errors import AutoReconnect

from benchmarks import running
from benchmarks.figures import FIGURES, Figure
from benchmarks.measuring import Measured, Round
from benchmarks.results import Run
from harness.errors import InfrastructureError, UsageError
from harness.verdict import Verdict
from tests.unit.benchmarks.made import BUSY, QUIET


class FakeSite:
    stopped = 0

    def stop(self) -> None:
        self.stopped += 1


def figure(name: str, measure: Any, **how: Any) -> Figure:
    fields = {"what": "", "unit": "µs", "bound": 2.0, "floor": ""}
    return Figure(name=name, measure=measure, **fields | how)


def rounds(*pairs: tuple[float, float], busyness: Any = QUIET) -> Any:
    return lambda site, effort: Measured([Round(*pair, {"wall_us": pair[0]}) for pair in pairs], busyness)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> FakeSite:
    site = FakeSite()
    monkeypatch.setattr(running, "Services", lambda **how: nullcontext())
    monkeypatch.setattr(running, "Site", lambda *what: nullcontext(site))
    return site


def measured(*figures: Figure) -> Run:
    ignore: Any = lambda figure: None  # noqa: E731
    return running.run(
        figures, command=["x"], logs=Path("logs"), quick=True, say=ignore, begins=ignore, ended=ignore
    )


@pytest.mark.usefixtures("site")
class TestResults:
    def test_a_ratio_is_the_median_of_the_rounds_ratios(self) -> None:
        one = measured(figure("a", rounds((30.0, 10.0), (10.0, 10.0), (15.0, 10.0)))).figures[0]
        assert (one.value.median, one.subject, one.floor) == (1.5, 15.0, 10.0)
        assert one.beside == {"wall_us": 15.0}
        assert one.verdict is Verdict.PASS

    def test_what_is_not_a_ratio_is_the_subject_alone(self) -> None:
        one = measured(figure("a", rounds((3.0, 10.0)), is_ratio=False)).figures[0]
        assert one.value.median == 3.0
        assert one.verdict is Verdict.FAIL

    def test_on_a_busy_machine_only_what_is_timed_is_inconclusive(self) -> None:
        busy = rounds((3.0, 1.0), busyness=BUSY)
        timed, counted = measured(figure("a", busy), figure("b", busy, is_timed=False)).figures
        assert (timed.verdict, timed.is_busy) == (Verdict.INCONCLUSIVE, True)
        assert (counted.verdict, counted.is_busy) == (Verdict.FAIL, False)


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("error", [ConnectionResetError(104, "Connection reset"), AutoReconnect("gone\nx")])
def test_a_lost_connection_is_a_figure_that_cannot_be_measured(error: Exception) -> None:
    def fails(site: Any, effort: Any) -> Any:
        raise error

    (said,) = measured(figure("a", fails)).not_measured.values()
    assert said.startswith(type(error).__name__)
    assert "\n" not in said


def test_a_figure_that_cannot_be_measured_is_inconclusive_and_the_others_get_new_servers(
    site: FakeSite,
) -> None:
    def fails(site: Any, effort: Any) -> Any:
        raise InfrastructureError("A server ended.")

    run = measured(figure("a", fails), figure("b", rounds((1.0, 1.0))))
    assert run.not_measured == {"a": "A server ended."}
    assert [one.name for one in run.figures] == ["b"]
    assert run.verdict is Verdict.INCONCLUSIVE
    assert site.stopped == 1


@pytest.mark.usefixtures("site")
class TestInterrupted:
    def interrupts(self, site: Any, effort: Any) -> Any:
        raise KeyboardInterrupt

    def test_what_was_measured_before_is_kept_and_the_rest_is_named(self) -> None:
        run = measured(
            figure("a", rounds((1.0, 1.0))), figure("b", self.interrupts), figure("c", rounds((1.0, 1.0)))
        )
        assert [one.name for one in run.figures] == ["a"]
        assert run.not_measured == dict.fromkeys(["b", "c"], "The run was interrupted.")
        assert (run.interrupted, run.verdict) == (True, Verdict.INCONCLUSIVE)

    def test_where_nothing_was_measured_there_is_nothing_to_keep(self) -> None:
        with pytest.raises(KeyboardInterrupt):
            measured(figure("a", self.interrupts))


@pytest.mark.usefixtures("site")
def test_wrong_usage_ends_a_run() -> None:
    def fails(site: Any, effort: Any) -> Any:
        raise UsageError("There is no such program.")

    with pytest.raises(UsageError):
        measured(figure("a", fails))


def test_the_figures_and_bounds_are_those_of_the_documentation() -> None:
    page = (Path(__file__).parents[3] / "docs" / "speed.md").read_text(encoding="utf-8")
    for name, one in FIGURES.items():
        bound = f"{'≥' if one.more_is_better else '≤'} {one.bound:g}"
        assert f"| `{name}` | {one.what} | {one.floor} | {bound} |" in page
