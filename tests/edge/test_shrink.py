"""`python -m harness shrink`, with a program in the place of the reruns that fails by a rule."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import textwrap
import time
from argparse import Namespace
from pathlib import Path

import psutil
import pytest

from harness.chaos.catalog import CATALOG
from harness.chaos.schedule import draw
from harness.chaos.schedule_file import SCHEDULE, Case, read_schedule, write_schedule
from harness.cli import shrink
from harness.cli.command_line import main
from harness.errors import UsageError
from harness.reports.record import RowResult, RunRecord, write_results
from harness.verdict import EXIT_CODES, Finding, Judgement, Verdict

pytestmark = pytest.mark.usefixtures("signals_of_its_own")
CULPRITS = ("redis emptied", "mongodb refused")
STAND_IN = """
    import json, pathlib, shutil, sys, time
    _, templates, *words = sys.argv
    options = dict(zip(words[::2], words[1::2]))
    schedule = json.loads(pathlib.Path(options["--schedule"]).read_text(encoding="utf-8"))
    faults = [fault["fault"] for outage in schedule["outages"] for fault in outage]
    if "hang" in templates:
        time.sleep(60)
    name = "fail.json" if {culprits} <= set(faults) else "other.json"
    if "busy" in templates and pathlib.Path(options["--reports"]).name == "0":
        name = "busy.json"
    shutil.copy(pathlib.Path(templates, name), pathlib.Path(options["--reports"], "results.json"))
"""


def results(folder: Path, name: str, promise: str, verdict: Verdict = Verdict.FAIL) -> None:
    found = (Finding(promise, "not_stored", "Message 'a' is lost."),) if verdict is Verdict.FAIL else ()
    row = RowResult(
        "RANDOM-01", "Faults", "random", verdict, 1.0, "", (Judgement(promise, verdict, "", found),)
    )
    run = RunRecord(verdict, EXIT_CODES[verdict], 7, "", 1.0, (row,), {}, "reference")
    write_results(run, folder / name)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The results of a failed run of eight faults and more, of which two decide."""
    templates = tmp_path / "templates"
    templates.mkdir()
    results(templates, "fail.json", "no-loss")
    results(templates, "other.json", "on-time")
    results(templates, "busy.json", "available", Verdict.INCONCLUSIVE)
    program = tmp_path / "rerun.py"
    program.write_text(textwrap.dedent(STAND_IN).format(culprits=set(CULPRITS)), encoding="utf-8")
    monkeypatch.setattr(shrink, "RERUN", (sys.executable, str(program), str(templates)))
    made = tmp_path / "run"
    made.mkdir()
    results(made, "results.json", "no-loss")
    write_schedule(Case(draw(7, CATALOG, total_s=150, quiet_s=6), 7, "reference"), made / SCHEDULE)
    return made


def options(folder: Path, **more: object) -> Namespace:
    usual = {"promise": None, "minutes": 5.0, "runs": 3, "needed": 2, "jobs": 2}
    return Namespace(folder=folder, **usual | more)


def test_the_faults_that_decide_remain(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(read_schedule(folder / SCHEDULE).outages) >= 8
    assert shrink.shrink_run(options(folder)) == 0
    left = read_schedule(folder / shrink.SHRUNK)
    assert sorted(fault.fault for outage in left.outages for fault in outage) == sorted(CULPRITS)
    assert (left.seed, left.workers, left.traffic.pairs) == (7, 1, 1)
    said = capsys.readouterr().out
    assert "The run broke no-loss: not_stored. The same failure is looked for." in said
    assert re.search(r"needed   no fault at all: fails 0 of (\d), \1 broke on-time: not_stored", said)
    assert re.search(r"It fails (\d) of \1 with only these 2 faults:", said)
    assert f"chaos --schedule {folder / shrink.SHRUNK}" in said.replace("\n", "")


def test_a_failure_that_does_not_come_back_is_not_made_small(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results(folder, "results.json", "order")
    assert shrink.shrink_run(options(folder)) == 3
    said = capsys.readouterr().out
    assert "It did not fail often enough to be made smaller. The last schedule" in said
    assert re.search(r"needed   the whole schedule: fails 0 of ", said)
    assert "broke no-loss" in said
    assert not (folder / shrink.SHRUNK).exists()


def test_a_rerun_that_decided_nothing_is_replaced_by_another(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    busy = folder.parent / "templates busy"
    (folder.parent / "templates").rename(busy)
    monkeypatch.setattr(shrink, "RERUN", (*shrink.RERUN[:2], str(busy)))
    assert shrink.shrink_run(options(folder, runs=2, needed=2)) == 0
    left = read_schedule(folder / shrink.SHRUNK)
    assert sorted(fault.fault for outage in left.outages for fault in outage) == sorted(CULPRITS)
    assert "It fails 2 of 3, 1 inconclusive with only these 2 faults" in capsys.readouterr().out


def test_a_failure_that_there_is_no_time_to_repeat_is_not_made_small(folder: Path) -> None:
    assert shrink.shrink_run(options(folder, minutes=1e-6)) == 3
    assert not (folder / shrink.SHRUNK).exists()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "results.json").unlink(), "cannot be read: No such file or directory"),
        (lambda folder: (folder / SCHEDULE).unlink(), "is not a run of chaos: it has no schedule.json"),
        (lambda folder: results(folder, "results.json", "order", Verdict.PASS), "broke no promise"),
        (lambda folder: (folder / SCHEDULE).write_text("{}", encoding="utf-8"), "cannot be read"),
    ],
)
def test_what_cannot_be_made_small_is_one_sentence(folder: Path, damage: object, said: str) -> None:
    damage(folder)  # type: ignore[operator]
    with pytest.raises(UsageError, match=said):
        shrink.shrink_run(options(folder))


def test_an_interrupt_ends_the_reruns(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = folder.parent / "templates hang"
    (folder.parent / "templates").rename(hanging)
    monkeypatch.setattr(shrink, "RERUN", (*shrink.RERUN[:2], str(hanging)))
    sleep = time.sleep

    def interrupt(seconds: float) -> None:
        monkeypatch.setattr(time, "sleep", sleep)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(time, "sleep", interrupt)
    assert main(["shrink", str(folder)]) == 130
    assert not [
        it for it in psutil.Process().children(recursive=True) if "rerun.py" in " ".join(it.cmdline())
    ]


def test_the_schedule_of_a_run_is_played_again_by_its_file(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "harness", "chaos", "--schedule", str(folder / SCHEDULE), "--dry-run"],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first = json.loads((folder / SCHEDULE).read_text(encoding="utf-8"))["outages"][0][0]
    assert first["fault"] in done.stdout
    assert "seed 7" in done.stdout
