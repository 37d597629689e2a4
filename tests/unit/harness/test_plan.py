"""The Markdown plan: what is read from it, what is refused, and where it and the tests disagree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli.actions import BY_NAME
from harness.errors import UsageError
from harness.plan import PLAN_FILE, PlanError, PlanRow, nearest, parse_plan, read_plan, select

HEAD = "| Id | Row | Done | Expected |\n|---|---|---|---|\n"
PLAN = f"""# The plan

| Promise | What it says |
|---|---|
| `no-loss` | nothing is lost |

## Message flow

{HEAD}| FLOW-01 | Two users | they write | it arrives |
| FLOW-02 | Offline | `a \\| b` | it waits |

## Redis queue <!-- #queue -->

Prose.

{HEAD}| QUEUE-01 | Cap | 1,001 are sent | 1,000 stay |
"""


def test_rows_carry_their_section_their_cells_and_their_line() -> None:
    rows = parse_plan(PLAN, "plan.md")
    assert rows[0] == PlanRow("FLOW-01", "message-flow", "Two users", "they write", "it arrives", 11)
    assert [(row.id, row.section, row.line) for row in rows[1:]] == [
        ("FLOW-02", "message-flow", 12),
        ("QUEUE-01", "queue", 20),
    ]
    assert PLAN.splitlines()[19].startswith("| QUEUE-01")


def test_the_projects_own_plan_can_be_read() -> None:
    rows = read_plan(Path(__file__).parents[3] / PLAN_FILE)
    assert "FLOW-01" in [row.id for row in rows]


def test_what_the_projects_own_plan_names_fits_on_a_line_of_80_columns_beneath_its_row() -> None:
    named = {
        word
        for row in read_plan(Path(__file__).parents[3] / PLAN_FILE)
        for test in row.tests
        for word in test.split("::")
    }
    assert [name for name in named if len(name) > 80 - len("FLOW-01") - 5] == []


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("| flow-1 | a | b | c |", "plan.md:5: 'flow-1' is not a row id"),
        ("| FLOW-001 | a | b | c |", "plan.md:5: 'FLOW-001' is not a row id"),
        ("|  | a | b | c |", "plan.md:5: '' is not a row id"),
        ("| FLOW-01 | a |  | c |", "plan.md:5: the row FLOW-01 lacks a cell"),
        ("| FLOW-01 | a | b |", "plan.md:5: the row FLOW-01 lacks a cell"),
        (
            "| FLOW-01 | a | b | c |\n| FLOW-01 | d | e | f |",
            "plan.md:6: the id FLOW-01 is already the row of line 5",
        ),
    ],
)
def test_a_malformed_row_is_refused_with_its_line(table: str, sentence: str) -> None:
    with pytest.raises(PlanError) as caught:
        parse_plan(f"## Flow\n\n{HEAD}{table}\n", "plan.md")
    assert str(caught.value).startswith(sentence)


def test_a_row_outside_every_section_is_refused() -> None:
    with pytest.raises(PlanError, match="before the heading of the first section"):
        parse_plan(f"{HEAD}| FLOW-01 | a | b | c |\n", "plan.md")


def test_a_page_without_rows_is_refused() -> None:
    with pytest.raises(PlanError, match="nothing to run"):
        parse_plan("## Flow\n\nprose\n", "plan.md")


def test_a_missing_file_is_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as refused:
        read_plan(Path("none.md"))
    expected = f"There is no test plan {tmp_path / 'none.md'}: run this command in the folder of a"
    assert str(refused.value).startswith(expected)


def test_a_plan_that_cannot_be_read_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_plan(tmp_path)


def test_patterns_and_sections_select_rows_in_the_plans_order() -> None:
    rows = parse_plan(PLAN, "plan.md")

    def ids(patterns: list[str] | None, section: str | None = None) -> list[str]:
        return [row.id for row in select(rows, patterns, section)]

    assert ids(None) == ids([]) == ["FLOW-01", "FLOW-02", "QUEUE-01"]
    assert ids(["QUEUE-*", "FLOW-01"]) == ["FLOW-01", "QUEUE-01"]
    assert ids(None, "queue") == ["QUEUE-01"]
    assert ids(["*-01"], "message-flow") == ["FLOW-01"]


@pytest.mark.parametrize(
    ("patterns", "section", "sentence"),
    [
        (["flow-1"], None, "The plan has no row 'flow-1'. Did you mean FLOW-01 or FLOW-02?"),
        (
            ["FLOW-01", "X*"],
            None,
            "The plan has no row 'X*'. It has FLOW-01, FLOW-02, QUEUE-01.",
        ),
        (None, "message-flwo", "The plan has no section 'message-flwo'. Did you mean message-flow?"),
        (["FLOW-01"], "queue", "No row of the section 'queue' matches FLOW-01."),
    ],
)
def test_asking_for_what_is_not_there_suggests_what_is(
    patterns: list[str] | None, section: str | None, sentence: str
) -> None:
    with pytest.raises(PlanError) as caught:
        select(parse_plan(PLAN, "plan.md"), patterns, section)
    assert str(caught.value) == sentence


def test_where_no_row_of_many_is_similar_the_command_that_lists_them_is_named() -> None:
    rows = [replace(parse_plan(PLAN, "plan.md")[0], id=f"ROW-{number:03}") for number in range(100)]
    with pytest.raises(PlanError) as caught:
        select(rows, ["X*"])
    assert str(caught.value) == "The plan has no row 'X*'. `python -m harness plan` lists them."


def test_nearest_names_the_likeliest_first() -> None:
    assert nearest(["FLOW-01", "ERR-02", "ERR-01"], "err_02")[0] == "ERR-02"
    assert nearest(["FLOW-01"], "zzz") == []


MORE = """## Queue

| Id | Row | Done | Expected | Run by | Only where |
|---|---|---|---|---|---|
| QUEUE-01 | a | b | c | `tests/a.py`: `test_one`, `test_two`; `tests/b.py`: `test_one` | |
| QUEUE-02 | a | b | c | `tests/a.py`: `test_one` | `metrics` |
"""


def test_a_row_may_say_which_tests_run_it_and_for_which_servers_it_is() -> None:
    first, second = parse_plan(MORE, "plan.md")
    assert first.tests == ("tests/a.py::test_one", "tests/a.py::test_two", "tests/b.py::test_one")
    assert (first.only_where, second.only_where) == ((), ("metrics",))


def test_a_row_may_need_chromium_or_disks() -> None:
    first, second, third = parse_plan(
        "## S\n\n| Id | Row | Done | Expected | Needs |\n|---|---|---|---|---|\n"
        "| A-01 | t | d | e | `Chromium` |\n| A-02 | t | d | e | |\n| A-03 | t | d | e | `disks` |\n",
        "plan.md",
    )
    assert [row.needs_chromium for row in (first, second, third)] == [True, False, False]
    assert [row.needs_disks for row in (first, second, third)] == [False, False, True]


def test_a_need_that_is_not_known_is_an_error() -> None:
    with pytest.raises(PlanError, match="A-01 needs 'Firefox', which is not `Chromium`, `disks` or nothing"):
        parse_plan(
            "## S\n\n| Id | Row | Done | Expected | Needs |\n|---|---|---|---|---|\n"
            "| A-01 | t | d | e | Firefox |\n",
            "plan.md",
        )


@pytest.mark.parametrize("cell", ["", "`test_one`", "a scenario"])
def test_a_row_that_promises_tests_and_names_none_is_refused(cell: str) -> None:
    with pytest.raises(PlanError, match=r"plan.md:6: .* names no test"):
        parse_plan(MORE.replace("`tests/a.py`: `test_one` |", f"{cell} |"), "plan.md")


def test_the_sections_that_are_run_by_name_alone_are_in_the_plan_and_few() -> None:
    rows = read_plan(Path(__file__).parents[3] / PLAN_FILE)
    left_out = [row.id for row in rows if row.section in BY_NAME]
    assert {row.section for row in rows} >= set(BY_NAME)
    by_hand = ["CLUSTER-20", "CLUSTER-21", "CLUSTER-02", "CLUSTER-05", "CLUSTER-03", "CLUSTER-30", "SOAK-01"]
    assert left_out == by_hand
