"""What a run says: its verdict, its ratio, its table, its file."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks.capacity import results
from benchmarks.capacity.results import Capacity, Curve
from benchmarks.capacity.search import Answer
from benchmarks.capacity.steps import GENERATOR, OTHERS, Step
from benchmarks.machine import environment
from harness.errors import CannotWrite
from harness.verdict import Verdict

from .made import machine, step


def curve(*steps: Step) -> Curve:
    carried = max((it.pollers for it in steps if it.answer is Answer.CARRIED), default=0)
    above = [it.pollers for it in steps if it.answer is not Answer.CARRIED and it.pollers > carried]
    return Curve(carried, min(above, default=None), steps)


FOUND = curve(step(1000), step(2000, Answer.BROKEN), step(1500, Answer.BROKEN))


BARE = curve(step(1600), step(2400, Answer.BROKEN))


def capacity(server: Curve = FOUND, bare: Curve | None = None) -> Capacity:
    verdict, reason = results.verdict_of(server, was_interrupted=False)
    said: dict[str, Any] = {"quick": False, "target": "reference", "interval_s": 2.0, "send_every_s": 60.0}
    return Capacity(
        started_at="2026-01-01T12:00:00+00:00",
        seconds=200.0,
        seed=7,
        verdict=verdict,
        reason=reason,
        server=server,
        bare=bare,
        capacity_ratio=results.ratio(server, bare),
        environment=environment(),
        **said,
    )


@pytest.mark.parametrize(
    ("server", "verdict", "said"),
    [
        (FOUND, Verdict.PASS, ""),
        (curve(step(1000)), Verdict.INCONCLUSIVE, "nothing gave out: 1,000 pollers are carried, or more"),
        (curve(step(8, Answer.BROKEN)), Verdict.INCONCLUSIVE, "no size was carried: on-time: late"),
        (
            curve(step(1000), step(2000, Answer.UNKNOWN, gave_out=GENERATOR)),
            Verdict.INCONCLUSIVE,
            "the load generator gave out with 2,000 pollers",
        ),
        (
            curve(step(1000), step(2000, Answer.UNKNOWN, gave_out=OTHERS, machine=machine(others=0.5))),
            Verdict.INCONCLUSIVE,
            "other programs used 50% of the machine",
        ),
        (
            curve(step(1000), step(2000, Answer.BROKEN, is_unsafe=True, why="no-loss: gone")),
            Verdict.FAIL,
            "with 2,000 pollers: no-loss: gone",
        ),
    ],
)
def test_the_verdict_is_a_pass_only_where_it_is_known_what_gave_out(
    server: Curve, verdict: Verdict, said: str
) -> None:
    assert results.verdict_of(server, was_interrupted=False) == (verdict, said)


def test_an_interrupted_search_is_inconclusive() -> None:
    assert results.verdict_of(FOUND, was_interrupted=True) == (Verdict.INCONCLUSIVE, "it was interrupted")


def test_the_ratio_is_of_what_both_carried() -> None:
    assert results.ratio(FOUND, BARE) == 0.625
    assert results.ratio(FOUND, None) is None
    assert results.ratio(FOUND, curve(step(1600))) is None, "its limit is not known"
    assert results.ratio(curve(step(1000)), BARE) is None
    assert results.ratio(FOUND, curve(step(8, Answer.BROKEN))) is None


def test_the_sentences_say_what_was_carried_and_what_gave_out() -> None:
    said = list(results.sentences(capacity(bare=BARE)))
    assert said == [
        "1,000 pollers at 2 s with 0 lost, 16.7 messages/s.",
        "The server gave out first, with 1,500 pollers: on-time: late.",
        "capacity_ratio 0.62, at least 0.6: the bare route carries 1,600 pollers.",
    ]


def test_the_table_has_a_line_for_each_step_the_smallest_first() -> None:
    out = io.StringIO()
    Console(file=out, width=80).print(results.table(FOUND, "Pollers"))
    lines = out.getvalue().splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["1,000", "1,500", "2,000"]
    assert lines[2].split()[1:] == ["17", "0", "0", "1,990", "20", "█", "30%", "2%", "5%", "20%"]
    assert lines[3].split()[-1] == "server"


def test_the_file_has_the_ratio_and_every_step(tmp_path: Path) -> None:
    path = tmp_path / "new" / "capacity.json"
    results.write(capacity(bare=BARE), path)
    said = json.loads(path.read_text(encoding="utf-8"))
    assert (said["capacity_ratio"], said["server"]["carried"]) == (0.625, 1000)
    assert [it["pollers"] for it in said["server"]["steps"]] == [1000, 2000, 1500]


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(CannotWrite, match=r"capacity\.json cannot be written: .*--reports FOLDER"):
        results.write(capacity(), tmp_path / "file" / "capacity.json")


@pytest.mark.parametrize(("values", "bars"), [([], []), ([0.0], ["▁"]), ([1.0, 4.0, 8.0], ["▂", "▅", "█"])])
def test_a_sparkline_has_a_bar_for_each_value(values: list[float], bars: list[str]) -> None:
    assert results.sparkline(values) == bars
