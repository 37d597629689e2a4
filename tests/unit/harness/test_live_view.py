"""What a run shows while it goes on: read from its history, in any terminal, or as a line now and then."""

from __future__ import annotations

import io
import json
import os
import pty
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from harness.cli.following import NS_PER_S, Following, RunningRow
from harness.cli.frame import Now, frame, plain
from harness.cli.live import LiveView, beside_captures, can_be_drawn_anew
from harness.cli.streams import apart
from harness.cli.time_left import durations_s, left_s, said
from harness.cli.watching import Watching
from harness.errors import OutputLost
from harness.plan import PlanRow, parse_plan
from harness.stack import wait_until
from harness.verdict import Verdict

PLAN = """# The plan

## Errors

| Id | Row | Done | Expected |
|---|---|---|---|
| ERR-01 | Redis stops | a | b |
| ERR-02 | MongoDB stops | a | b |

## Pages

| Id | Row | Done | Expected | Run by |
|---|---|---|---|---|
| PAGE-01 | A page | a | b | `tests/test_page.py::test_page` |
"""


@pytest.fixture(autouse=True)
def _not_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)  # where nothing is drawn anew


def rows() -> list[PlanRow]:
    return parse_plan(PLAN, "plan.md")


def event(kind: str, seconds: float, row: str = "ERR-01", **fields: Any) -> str:
    return json.dumps({"row": row, "kind": kind, "t": int(seconds * NS_PER_S), **fields}) + "\n"


def sent(id_: str, seconds: float, outcome: str = "ok") -> str:
    return event("sent", seconds, op=1, outcome=outcome, id=id_)


def polled(seconds: float, *ids: str) -> str:
    return event("poll", seconds, op=2, outcome="ok", messages=[{"id": id_, "seq": 1} for id_ in ids])


def after(tmp_path: Path, *lines: str) -> list[RunningRow]:
    """The rows that run after these lines, read in pieces as a file grows."""
    path = tmp_path / "history.jsonl"
    following = Following(path, {"ERR-01": "Redis stops"})
    assert following.look() == []
    text = "".join(lines).encode()
    running: list[RunningRow] = []
    for start in range(0, len(text), 50):
        with path.open("ab") as file:
            file.write(text[start : start + 50])
        running = following.look()
    return running


def test_what_was_sent_and_delivered_is_counted_once(tmp_path: Path) -> None:
    (row,) = after(
        tmp_path,
        event("begin", 1),
        sent("a", 2),
        sent("b", 2.5),
        sent("c", 2.5, outcome="unknown"),
        polled(3, "a"),
        sent("a", 3.1),  # a retry
        polled(4, "a", "b"),
        polled(4.5, "d"),
        sent("d", 4.6),  # its answer came after the poll that brought it
        sent("e", 4.7),
    )
    assert (row.sent, row.delivered, row.slowest_s) == (4, 3, 1.5)


def test_a_fault_is_in_force_from_its_injection_until_it_has_healed(tmp_path: Path) -> None:
    lines = [event("begin", 1)] + [
        event("fault", seconds, name="redis refused", phase=phase)
        for seconds, phase in ((2, "inject"), (3, "active"), (5, "heal"))
    ]
    (row,) = after(tmp_path, *lines)
    assert row.faults == {"redis refused": 2 * NS_PER_S}
    (tmp_path / "history.jsonl").unlink()
    (row,) = after(tmp_path, *lines, event("fault", 6, name="redis refused", phase="healed"))
    assert row.faults == {}


def test_a_row_runs_until_the_last_phase_of_its_test(tmp_path: Path) -> None:
    begin = event("begin", 1)
    setup = event("phase", 2, row="", begin=NS_PER_S, ended=False)
    assert [row.title for row in after(tmp_path, begin, setup)] == ["Redis stops"]
    (tmp_path / "history.jsonl").unlink()
    assert after(tmp_path, begin, setup, event("phase", 3, row="", begin=NS_PER_S, ended=True)) == []


@pytest.mark.parametrize(
    "odd",
    ["no JSON\n", "[]\n", "{}\n", event("sent", 2, outcome=7, id="a"), event("poll", 2, messages="none")],
)
def test_a_line_of_another_shape_is_left_out_and_the_next_one_is_read(tmp_path: Path, odd: str) -> None:
    (row,) = after(tmp_path, event("begin", 1), odd, sent("b", 3))
    assert row.sent == 1


def test_ids_of_any_type_are_compared_as_text(tmp_path: Path) -> None:
    poll = event("poll", 3, messages=[{"id": 7}])
    (row,) = after(tmp_path, event("begin", 1), event("sent", 2, outcome="ok", id=7), poll)
    assert (row.sent, row.delivered) == (1, 1)


def running(id_: str = "ERR-01", *, began_s: float = 0, **changes: Any) -> RunningRow:
    row = RunningRow(id_, "Redis stops while users are sending", int(began_s * NS_PER_S))
    for name, value in changes.items():
        setattr(row, name, value)
    return row


NOW = Now(
    20 * NS_PER_S,
    [
        running(sent=40, slowest_s=2.12, faults={"redis refused": 17 * NS_PER_S}),
        running("FLOW-01", began_s=12),
    ],
    ["12 of 97 rows", "1 failed", "11 passed", "about 4 min left"],
)


def test_at_80_columns_everything_is_shown() -> None:
    assert frame(NOW, 80, 24).plain.splitlines() == [
        "ERR-01      20 s  redis refused 3 s  sent 40  delivered 40  slowest 2.1 s",
        "FLOW-01      8 s  Redis stops while users are sending",
        "12 of 97 rows  1 failed  11 passed  about 4 min left",
    ]


def test_at_40_columns_the_most_important_part_is_shown() -> None:
    assert frame(NOW, 40, 24).plain.splitlines() == [
        "ERR-01      20 s  redis refused 3 s",
        "FLOW-01      8 s",
        "12 of 97 rows  1 failed  11 passed",
    ]


@pytest.mark.parametrize("height", range(1, 12))
@pytest.mark.parametrize("width", [1, 10, 20, 40, 79, 80, 200])
def test_it_is_never_higher_nor_wider_than_the_terminal(width: int, height: int) -> None:
    many = [running(f"ROW-{number}", began_s=number, sent=number) for number in range(10)]
    lines = frame(Now(20 * NS_PER_S, many, NOW.status), width, height).plain.splitlines()
    assert len(lines) <= max(1, height - 1)
    assert max(map(len, lines)) < max(width, 20)
    if height == 6:
        assert lines[-2].startswith("and 7 more rows")


def test_it_is_ascii_whatever_a_row_is_called() -> None:
    shown = frame(Now(0, [running("ÄRR-01")], ["1 of 2 rows"]), 80, 24).plain
    assert shown.isascii()
    assert shown.startswith("?RR-01")


def test_where_nothing_can_be_drawn_anew_it_is_one_line() -> None:
    assert plain(NOW) == (
        "12 of 97 rows, 1 failed, 11 passed, about 4 min left; "
        "ERR-01 20 s, redis refused 3 s, sent 40, delivered 40, slowest 2.1 s; FLOW-01 8 s"
    )


def test_rows_done_are_counted_by_verdict_and_the_rest_is_estimated(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    watching = Watching(rows(), history, took_s={"ERR-01": 10.0, "ERR-02": 20.0, "PAGE-01": 30.0}, at_once=2)
    assert watching.look().status == ["0 of 3 rows", "starting services"]
    history.write_text(event("environment", 1, row="", found={}), encoding="utf-8")
    assert watching.look().status == ["0 of 3 rows", "about 30 s left"]
    watching.row_ended("ERR-01", Verdict.FAIL, 11.0)
    watching.row_ended("ERR-02", Verdict.PASS, 11.0)
    assert watching.look().status == ["2 of 3 rows", "1 failed", "1 passed", "about 30 s left"]
    watching.row_ended("PAGE-01", Verdict.PASS, 11.0)
    assert watching.look().status == [
        "3 of 3 rows",
        "1 failed",
        "2 passed",
        "judging, and writing the report",
    ]


def test_a_row_that_a_test_runs_is_shown_while_that_test_runs(tmp_path: Path) -> None:
    watching = Watching(rows(), tmp_path / "none", took_s={})
    watching.test_begins("tests/test_page.py::test_page[1]")
    assert [(row.id, row.title) for row in watching.look().running] == [("PAGE-01", "A page")]
    watching.test_ended("tests/test_page.py::test_page[1]")
    watching.test_begins("tests/test_other.py::test_page")
    assert watching.look().running == []


@pytest.mark.parametrize(
    ("running_s", "waiting", "at_once", "left"),
    [
        ({}, ["a", "b"], 1, 40.0),
        ({}, ["a", "b"], 2, 30.0),  # the longest
        ({"a": 4.0}, ["b"], 1, 36.0),
        ({"a": 99.0}, [], 1, 0.0),
        ({}, ["a", "unknown"], 1, 30.0),  # as long as the others on average
    ],
)
def test_what_is_left_is_what_rows_took_before(
    running_s: Mapping[str, float], waiting: list[str], at_once: int, left: float
) -> None:
    took_s = {"a": 10.0, "b": 30.0}
    assert left_s(took_s, running_s=running_s, waiting=waiting, at_once=at_once) == left


def test_without_any_duration_nothing_is_estimated() -> None:
    assert left_s({}, running_s={}, waiting=["a"], at_once=1) is None


def test_time_left_is_rounded_as_an_estimate_is() -> None:
    assert [said(it) for it in (0.2, 3, 43, 59, 100, 3599)] == [
        "",
        "about 5 s left",
        "about 45 s left",
        "about 1 min left",
        "about 2 min left",
        "about 60 min left",
    ]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"rows": 7}', '{"rows": [{"id": 1}]}', "[" * 100_000])
def test_results_that_say_nothing_of_durations_are_no_estimate(tmp_path: Path, text: str) -> None:
    (tmp_path / "results.json").write_text(text, encoding="utf-8")
    assert durations_s(tmp_path / "results.json") == {}
    assert durations_s(tmp_path / "none.json") == {}


def test_results_of_a_run_say_how_long_its_rows_took(tmp_path: Path) -> None:
    document = {"rows": [{"id": "A", "seconds": 1.5}, {"id": "B", "seconds": 0.0}]}
    (tmp_path / "results.json").write_text(json.dumps(document), encoding="utf-8")
    assert durations_s(tmp_path / "results.json") == {"A": 1.5}


class Terminal:
    """A terminal of our own, and what was written to it."""

    def __init__(self) -> None:
        self.master, slave = pty.openpty()
        self.file = os.fdopen(slave, "w", encoding="utf-8")
        self.written = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            while data := os.read(self.master, 65536):
                self.written += data
        except OSError:
            return  # the other end is closed

    def close(self) -> None:
        self.file.close()
        self._reader.join(10)
        os.close(self.master)


def test_on_a_terminal_the_view_is_drawn_anew_and_is_gone_in_the_end() -> None:
    terminal = Terminal()
    console = Console(
        file=terminal.file, force_terminal=True, width=80, height=24, _environ={"TERM": "xterm"}
    )
    with LiveView(console, lambda: NOW).shown():
        wait_until(lambda: b"redis refused 3 s" in terminal.written, deadline_s=30, what="the view")
        console.print("a line")
    terminal.close()
    assert b"a line" in terminal.written
    assert terminal.written.count(b"12 of 97 rows") >= 2, "it is drawn again below the line"
    assert terminal.written.rstrip().endswith(b"\x1b[2K"), "it is erased"


@pytest.mark.parametrize(
    ("environ", "is_drawn"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "xterm", "CI": "true"}, False),
        ({"TERM": "xterm", "CI": "false"}, True),
    ],
)
def test_it_is_drawn_anew_where_a_person_looks_at_a_terminal_that_can(
    environ: dict[str, str], is_drawn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal()
    assert can_be_drawn_anew(Console(file=terminal.file)) is is_drawn
    terminal.close()


def test_a_pipe_is_no_terminal_also_where_colours_are_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    read, write = os.pipe()
    with os.fdopen(read, "rb"), os.fdopen(write, "w", encoding="utf-8") as pipe:
        assert Console(file=pipe).is_terminal, "so rich says"
        assert not can_be_drawn_anew(Console(file=pipe))


def test_elsewhere_a_line_is_said_when_nothing_else_was_said_for_long() -> None:
    printed = io.StringIO()
    with LiveView(Console(file=printed), lambda: NOW, quiet_s=0.05).shown():
        wait_until(lambda: printed.getvalue().count("\n") >= 2, deadline_s=30, what="two lines")
    lines = printed.getvalue().splitlines()
    assert set(lines) == {plain(NOW)}
    quiet = io.StringIO()
    with LiveView(Console(file=quiet), lambda: NOW, quiet_s=60).shown():
        time.sleep(0.05)
    assert quiet.getvalue() == ""


def test_output_that_is_lost_ends_no_thread_with_a_traceback() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OutputLost("it is gone")

    view = LiveView(Console(file=Gone()), lambda: NOW, quiet_s=0.0)
    with view.shown():
        wait_until(lambda: view.lost is not None, deadline_s=30, what="the loss to be noticed")
    assert view.lost is not None
    assert view.lost.sentence == "it is gone"


def test_what_a_test_prints_does_not_take_the_view_with_it(capfd: pytest.CaptureFixture[str]) -> None:
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as stdout:
        console = Console(file=stdout)
        with beside_captures(console):
            assert console.file is not stdout
            saved = os.dup(1)
            os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())  # as pytest replaces a descriptor
            console.print(Text("said"))
            os.dup2(saved, stdout.fileno())
            os.close(saved)
        assert console.file is stdout
    assert capfd.readouterr().out == "said\n"


def test_a_stream_in_memory_stays_as_it_is() -> None:
    assert apart(io.StringIO()) is None
