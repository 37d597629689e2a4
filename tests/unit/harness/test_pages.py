"""What `plan` and `doctor` print: nothing is wider than the terminal, and no path or test name is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.pages import doctor_page, plan_page
from harness.plan import PlanRow
from harness.plan.drift import Runners
from harness.reports.paragraphs import paragraph
from harness.stack import DoctorRow, Found

FILE = "tests/edge/server/test_a_rather_long_name_of_a_file_full_of_tests.py"
TESTS = ("test_the_list_is_named_after_the_user_and_newest_first", "test_another")
TITLE = "A title that is so long that it cannot stand on one line of a terminal of the usual width"


def plan(width: int = 80) -> list[str]:
    rows = [
        PlanRow("A-01", "first", TITLE, "done", "expected", 1),
        PlanRow("A-02", "first", "Short", "done", "expected", 2),
        PlanRow("B-01", "second", "Run by nothing", "done", "expected", 3),
    ]
    runners = Runners()
    runners.tests["A-01"] = [f"{FILE}::{test}[{case}]" for test in TESTS for case in (1, 2)]
    runners.scenarios["A-02"] = ["scenarios/a.py::test_a", "scenarios/b.py::test_b"]
    return "\n".join(text for text, _ in plan_page(rows, runners, width)).splitlines()


def test_a_plan_at_80_columns() -> None:
    assert plan() == [
        "first",
        "",
        "A-01      A title that is so long that it cannot stand on one line of a terminal",
        "          of the usual width",
        f"          {FILE}",
        *(f"            {test}" for test in TESTS),
        "A-02      Short",
        "          scenarios/a.py",
        "            test_a",
        "          scenarios/b.py",
        "            test_b",
        "",
        "second",
        "",
        "B-01      Run by nothing",
        "          nothing runs this row",
    ]


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_paths_and_names_of_a_plan_are_whole_at_any_width(width: int) -> None:
    words = {word for line in plan(width) for word in line.split()}
    assert {FILE, *TESTS} <= words
    assert set(TITLE.split()) <= words


def test_a_doctor_that_finds_everything_gives_each_path_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    found = [
        DoctorRow("redis", Found("redis", "8.2.3", "PATH", binary=Path("/home/ann/.cache/redis-server"))),
        DoctorRow("mongod", Found("mongod", "6.0.5", "cache", binary=Path("/home/annabel/mongod\n"))),
        DoctorRow("toxiproxy", Found("toxiproxy", "2.12.0", "environment", url="http://127.0.0.1:8474")),
    ]
    assert [text for text, _ in doctor_page(found, 80)] == [
        "redis      8.2.3     PATH",
        "  ~/.cache/redis-server",
        "mongod     6.0.5     cache",
        "  /home/annabel/mongod\\n",
        "toxiproxy  2.12.0    environment",
        "  http://127.0.0.1:8474",
        "",
        "Everything is here: `python -m harness run` can start.",
    ]


def test_a_doctor_names_the_command_that_gets_what_is_missing_and_why_it_is() -> None:
    why = f"There is no mongod: {'/a/long/path' * 5} is empty, and so is every other place there is."
    lines = "\n".join(
        text for text, _ in doctor_page([DoctorRow("mongod", None, why, "brew install x")], 80)
    ).splitlines()
    assert lines[:2] == ["mongod     missing", "  get it with: brew install x"]
    assert max(map(len, lines)) <= 80
    assert " ".join(" ".join(lines[2:-2]).split()) == why
    assert lines[-1] == "Missing: mongod."


def test_a_doctor_who_misses_an_optional_part_says_what_a_run_lacks() -> None:
    services = [DoctorRow(name, Found(name, "1.0", "PATH")) for name in ("redis", "mongod", "toxiproxy")]
    chromium = DoctorRow("chromium", None, "It is not here.", without="some rows are skipped")
    lines = [text for text, _ in doctor_page([*services, chromium], 80)]
    assert lines[-5:] == [
        "chromium   missing",
        "  It is not here.",
        "",
        "Every service is here: `python -m harness run` can start.",
        "Without chromium, some rows are skipped.",
    ]


def test_a_character_that_takes_two_columns_counts_as_two() -> None:
    lines = paragraph("舛迌臛 舛迌臛 舛迌臛 and e\u0301 end", 14, indent=2).splitlines()
    assert lines == ["舛迌臛 舛迌臛", "  舛迌臛 and", "  e\u0301 end"]


def test_a_paragraph_breaks_between_words_only_and_shows_what_a_terminal_would_obey() -> None:
    text = "The folder /var/lib/a-b-c/d\x1b[31m\ne cannot be written"
    assert paragraph(text, 20, first="- ", indent=2).splitlines() == [
        "- The folder",
        "  /var/lib/a-b-c/d\\x1b[31m\\ne",
        "  cannot be written",
    ]
