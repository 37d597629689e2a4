"""`--quiet` and `--json`: what is printed where, and what a program reads."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from rich.console import Console
from rich.text import Text

from harness.cli import console as printing
from harness.cli.documents import document_in
from harness.cli.parser import parser
from harness.cli.progress import Progress
from harness.cli.watching import Watching
from harness.reports.record import RowResult, RunRecord, with_again, write_results
from harness.reports.schema import results_schema
from harness.reports.words import closing
from harness.runner.results import Ended
from harness.verdict import Verdict

ROOT = Path(__file__).parents[3]


def row(id_: str, verdict: Verdict, reason: str = "") -> RowResult:
    return RowResult(id=id_, title=id_, section="s", verdict=verdict, seconds=1.0, reason=reason)


def run_of(*rows: RowResult, verdict: Verdict, exit_code: int, **changes: Any) -> RunRecord:
    return RunRecord(
        verdict=verdict,
        exit_code=exit_code,
        seed=1,
        started_at="2026-01-01T12:00:00+00:00",
        seconds=10.0,
        rows=rows,
        environment={},
        target="a server",
        **changes,
    )


BUSY = run_of(
    row("A", Verdict.PASS),
    row("B", Verdict.INCONCLUSIVE, "too busy"),
    verdict=Verdict.INCONCLUSIVE,
    exit_code=3,
)


def test_the_document_has_the_rows_that_were_run_again_as_they_ended_then(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    write_results(BUSY, tmp_path / "results.json")
    again = run_of(row("B", Verdict.PASS, "nän"), verdict=Verdict.PASS, exit_code=0)
    write_results(again, tmp_path / "again" / "results.json")
    text = document_in(tmp_path)
    document = json.loads(text)
    jsonschema.validate(document, results_schema())
    assert text.isascii(), "a stream may have any encoding"
    assert (document["verdict"], document["exit_code"], document["seconds"]) == ("pass", 0, 20.0)
    assert [(it["id"], it["verdict"]) for it in document["rows"]] == [("A", "pass"), ("B", "pass")]


def test_the_document_of_many_seeds_is_their_summary_and_without_results_there_is_none(
    tmp_path: Path,
) -> None:
    assert document_in(tmp_path) == ""
    (tmp_path / "seeds.json").write_text('{"seeds": "ü"}', encoding="utf-8")
    assert json.loads(document_in(tmp_path)) == {"seeds": "ü"}


def test_an_interrupted_run_is_told_as_one_and_decides_nothing_by_its_second_try() -> None:
    again = run_of(verdict=Verdict.INCONCLUSIVE, exit_code=130, interrupted=True)
    both = with_again(BUSY, again)
    assert (both.verdict, both.exit_code, both.interrupted) == (Verdict.INCONCLUSIVE, 130, True)
    assert closing(both) == "Interrupted: of 2 rows, 1 could not be judged (B)."
    assert closing(again) == "Interrupted: no row was run."


def progress_on(console: Console, *ended: Ended, record: RunRecord) -> None:
    """Let a run end on a console."""
    results = SimpleNamespace(newly_ended=lambda: ended, command_of=lambda row: f"run --only {row}")
    collector = SimpleNamespace(results=results, record=record)
    config: Any = SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin=lambda name: collector))
    progress = Progress(console, Watching([], Path("none"), took_s={}), rows=len(ended))
    progress.pytest_configure(config)
    progress.pytest_runtest_logfinish("test_a.py::test")
    progress.pytest_sessionfinish()


def test_quiet_prints_what_failed_and_the_verdict_and_nothing_else() -> None:
    console = printing.Terminal()
    console.file = printed = io.StringIO()
    console.quiet = True
    console.size = (80, 24)
    progress_on(
        console,
        Ended("A", "The first", Verdict.PASS, 1.0),
        Ended("B", "The second", Verdict.FAIL, 2.0, "the page is empty"),
        Ended("C", "The third", Verdict.INCONCLUSIVE, 2.0, "too busy"),
        record=run_of(row("A", Verdict.PASS), row("B", Verdict.FAIL), verdict=Verdict.FAIL, exit_code=1),
    )
    assert printed.getvalue().splitlines() == [
        "2/3  B          fail             2.0 s  The second",
        "           the page is empty",
        "           Again: run --only B",
        "Fail: of 2 rows, 1 failed (B).",
    ]
    assert console.quiet


def test_what_is_not_to_be_quiet_says_everything_once() -> None:
    printed = io.StringIO()
    record = run_of(row("B", Verdict.FAIL), verdict=Verdict.FAIL, exit_code=1)
    progress_on(Console(file=printed, width=80), Ended("B", "It", Verdict.FAIL, 2.0, "why"), record=record)
    assert printed.getvalue().count("Fail: of 1 row, 1 failed (B).") == 1


def test_with_json_everything_for_people_goes_to_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(printing, "console", printing.Terminal())
    printing.print_as_asked(parser().parse_args(["run", "--json"]))
    printing.console.print(Text("for people"))
    assert tuple(capsys.readouterr()) == ("", "for people\n")


@pytest.mark.parametrize("command", ["run", "soak", "chaos", "client", "check"])
def test_quiet_and_json_exclude_each_other(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [command, "--quiet", "--json", *(["FILE"] if command == "check" else [])]
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(words)
    assert caught.value.code == 2
    assert "argument --json: not allowed with argument --quiet" in capsys.readouterr().err


def test_json_of_compare_is_its_format_and_excludes_another_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert parser().parse_args(["compare", "a", "b", "--json"]).format == "json"
    with pytest.raises(SystemExit):
        parser().parse_args(["compare", "a", "b", "--json", "--format", "markdown"])
    assert "not allowed with argument" in capsys.readouterr().err


def history(folder: Path) -> Path:
    """A recorded run of two rows, of which one failed by an expectation of its own."""
    lines = []
    for at, (id_, verdict, reason) in enumerate([("A", "pass", ""), ("B", "fail", "the page is empty")]):
        phase = {"rows": [id_], "tests": {id_: 1}, "when": "call", "begin": None, "verdict": verdict}
        more = {
            "reason": reason,
            "judged": 0,
            "ended": True,
            "seconds": 1.0,
            "measured": {},
            "screenshots": {},
        }
        lines.append({"row": "", "kind": "phase", "t": at} | phase | more)
    lines.append({"row": "", "kind": "over", "t": 9, "finished": True, "missing": []})
    path = folder / "history.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return path


def check(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", "check", *words],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "80"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_check_prints_quietly_or_as_json(tmp_path: Path) -> None:
    file = str(history(tmp_path))
    quiet = check(file, "--quiet")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (
        1,
        "B         fail          the page is empty\nFail: 1 failed, 1 passed.\n",
        "",
    )
    both = check(file, "--json", "--reports", str(tmp_path))
    assert both.stdout == (tmp_path / "verdicts.json").read_text(encoding="utf-8")
    assert "Verdicts: " in both.stderr
    alone = check(file)
    assert alone.stdout == both.stdout
    assert alone.stderr == ""
