"""Figures of two runs, from a benchmark and a search for the capacity: what moved beyond the noise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import results as bench
from benchmarks.capacity import results as capacity
from benchmarks.capacity.results import Capacity as WrittenCapacity
from benchmarks.capacity.results import Curve as WrittenCurve
from benchmarks.machine import IDLE, Busyness, environment
from benchmarks.statistics import Summary
from harness.cli.command_line import main
from harness.reports.comparison import Move
from harness.reports.figures import (
    BENCH,
    CAPACITY,
    Bench,
    Capacity,
    benchmark_changes,
    capacity_changes,
    read_figures,
)
from harness.reports.record import RowResult, RunRecord, write_results
from harness.verdict import Verdict

BUSY = Busyness(others=0.5, stolen=0.0, cpu_pressure=0.5, io_pressure=0.0)


def write_bench(
    folder: Path, median: float, *, busyness: Busyness = IDLE, more_is_better: bool = False, unit: str = "us"
) -> Path:
    """Write what the benchmark writes, with one figure."""
    figure = bench.Result(
        name="idle_poll_cpu_ratio",
        what="CPU of an idle poll",
        value=Summary(median, median, median, median - 0.01, median + 0.01, 9),
        unit=unit,
        is_ratio=True,
        more_is_better=more_is_better,
        subject=1.0,
        floor=1.0,
        floor_is="a bare route",
        bound=1.3,
        resolution=0.0,
        verdict=Verdict.PASS,
        reason="",
        busyness=busyness,
        beside={},
        seconds=1.0,
    )
    run = bench.Run("2026-01-01", 1.0, False, False, Verdict.PASS, environment(), (figure,))
    bench.write(run, folder / BENCH)
    return folder / BENCH


def write_capacity(
    folder: Path,
    carried: int,
    not_carried: int | None,
    *,
    verdict: Verdict = Verdict.PASS,
    ratio: float | None = None,
    interval_s: float = 2.0,
) -> Path:
    """Write what a search for the capacity writes."""
    found = WrittenCapacity(
        started_at="2026-01-01",
        seconds=1.0,
        quick=False,
        target="reference",
        interval_s=interval_s,
        send_every_s=60.0,
        seed=1,
        verdict=verdict,
        reason="",
        server=WrittenCurve(carried, not_carried, ()),
        bare=None,
        capacity_ratio=ratio,
        environment=environment(),
    )
    capacity.write(found, folder / CAPACITY)
    return folder / CAPACITY


@pytest.mark.parametrize(
    ("after", "fields", "move"),
    [
        (1.02, {}, Move.SAME),
        (1.2, {}, Move.WORSE),
        (0.8, {}, Move.BETTER),
        (1.2, {"more_is_better": True}, Move.BETTER),
        (1.2, {"busyness": BUSY}, Move.UNSURE),
    ],
)
def test_a_figure_moves_beyond_its_noise(
    tmp_path: Path, after: float, fields: dict[str, Any], move: Move
) -> None:
    old = read_figures(write_bench(tmp_path / "a", 1.0), Bench)
    new = read_figures(write_bench(tmp_path / "b", after, **fields), Bench)
    assert [one.move for one in benchmark_changes(old, new)] == [move]


def test_a_figure_in_another_unit_is_not_compared(tmp_path: Path) -> None:
    old = read_figures(write_bench(tmp_path / "a", 1.0), Bench)
    new = read_figures(write_bench(tmp_path / "b", 1.0, unit="ms"), Bench)
    assert [*benchmark_changes(old, new)] == []


@pytest.mark.parametrize(
    ("before", "after", "move"),
    [
        ((1000, 1250), (1000, 1250), Move.SAME),
        ((1000, 1250), (900, 1000), Move.SAME),
        ((1000, 1250), (500, 750), Move.WORSE),
        ((1000, 1250), (2000, 2500), Move.BETTER),
        ((1000, 1250), (1200, 1250), Move.SAME),
        ((1000, None), (4000, None), Move.SAME),
        ((1000, None), (500, 750), Move.WORSE),
    ],
)
def test_pollers_carried_move_where_the_sizes_lie_apart(
    tmp_path: Path, before: tuple[int, int | None], after: tuple[int, int | None], move: Move
) -> None:
    old, new = (
        read_figures(write_capacity(tmp_path / name, *sizes), Capacity)
        for name, sizes in (("a", before), ("b", after))
    )
    assert [one.move for one in capacity_changes(old, new)] == [move]


def test_fewer_pollers_are_unsure_where_a_search_was_not_decided(tmp_path: Path) -> None:
    old = read_figures(write_capacity(tmp_path / "a", 1000, 1250), Capacity)
    new = read_figures(write_capacity(tmp_path / "b", 500, 750, verdict=Verdict.INCONCLUSIVE), Capacity)
    assert [one.move for one in capacity_changes(old, new)] == [Move.UNSURE]


def test_the_share_of_a_bare_route_is_compared_and_other_intervals_are_not(tmp_path: Path) -> None:
    old = read_figures(write_capacity(tmp_path / "a", 1000, 1250, ratio=0.8), Capacity)
    new = read_figures(write_capacity(tmp_path / "b", 1000, 1250, ratio=0.5), Capacity)
    other = read_figures(write_capacity(tmp_path / "c", 10, 20, interval_s=5.0), Capacity)
    assert [(one.name, one.move) for one in capacity_changes(old, new)] == [
        ("pollers carried", Move.SAME),
        ("capacity_ratio", Move.WORSE),
    ]
    assert [*capacity_changes(old, other)] == []


def compared(tmp_path: Path, capsys: pytest.CaptureFixture[str], a: Path, b: Path) -> tuple[int, str]:
    code = main(["compare", str(a), str(b)])
    return code, capsys.readouterr().out


def test_the_command_compares_figures_alone_by_folder_and_by_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bench(tmp_path / "a", 1.0)
    write_bench(tmp_path / "b", 2.0)
    code, said = compared(tmp_path, capsys, tmp_path / "a", tmp_path / "b")
    assert code == 1
    assert "benchmark idle_poll_cpu_ratio  1 → 2  worse" in said
    renamed = (tmp_path / "a" / BENCH).rename(tmp_path / "before.json")
    assert compared(tmp_path, capsys, renamed, tmp_path / "b" / BENCH) == (1, said)


def test_the_command_compares_figures_beside_runs_and_says_what_it_leaves_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, carried in (("a", 1000), ("b", 2000)):
        row = RowResult("A-01", "A row", "s", Verdict.PASS, 1.0)
        run = RunRecord(Verdict.PASS, 0, 1, "2026-01-01T00:00:00+00:00", 9.0, (row,), {}, "reference")
        write_results(run, tmp_path / name / "results.json")
        write_capacity(tmp_path / name, carried, carried + 100)
    write_bench(tmp_path / "a", 1.0)
    code, said = compared(tmp_path, capsys, tmp_path / "a", tmp_path / "b")
    assert code == 0
    assert "1 capacity got better." in said
    assert "only the first run has it: bench.json" in said


@pytest.mark.parametrize(
    ("text", "why"),
    [("{}", "missing required field"), ("[" * 100_000, "nested"), ("", "Expecting value"), (None, "No such")],
)
def test_a_file_that_cannot_be_read_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, why: str
) -> None:
    for name in ("a", "b"):
        write_bench(tmp_path / name, 1.0)
    damaged = tmp_path / "b" / BENCH
    if text is None:
        damaged = tmp_path / "c" / BENCH
    else:
        damaged.write_text(text, encoding="utf-8")
    assert main(["compare", str(tmp_path / "a"), str(damaged if text is None else tmp_path / "b")]) == 2
    assert (why if text is not None else "cannot be read") in capsys.readouterr().err


def test_what_was_measured_elsewhere_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        write_bench(tmp_path / name, 1.0)
    path = tmp_path / "a" / BENCH
    document = json.loads(path.read_text(encoding="utf-8"))
    document["environment"]["cpus"] = 64
    path.write_text(json.dumps(document), encoding="utf-8")
    assert "from another machine: 64 processors" in compared(tmp_path, capsys, path, tmp_path / "b")[1]
