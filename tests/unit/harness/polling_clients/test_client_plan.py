"""The client plan and its scenarios: each row has one story, and what a client lacks is left out."""

import importlib
import pkgutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness import polling_clients
from harness.errors import UsageError
from harness.plan import parse_plan, read_plan
from harness.polling_clients import scenarios
from harness.polling_clients.fitting import fitting
from harness.polling_clients.profile import Has, load_client

ROWS = read_plan(Path(polling_clients.__file__).with_name("plan.md"))
PROGRAM = load_client(str(Path(__file__).parents[4] / "docs/clients/loop.toml")).profile
REFERENCE = load_client("reference").profile


def marked():
    for module in pkgutil.iter_modules(scenarios.__path__):
        loaded = importlib.import_module(f"{scenarios.__name__}.{module.name}")
        for name, test in vars(loaded).items():
            if name.startswith("test_"):
                yield [row for mark in test.pytestmark for row in mark.args]


def test_each_row_has_one_story():
    assert sorted(row for rows in marked() for row in rows) == sorted(row.id for row in ROWS)


def test_the_bundled_client_is_judged_by_every_row():
    fit, left_out = fitting(ROWS, REFERENCE)
    assert (fit, left_out) == (ROWS, {})


def test_a_program_is_not_judged_by_rows_about_pages():
    fit, left_out = fitting(ROWS, PROGRAM)
    about_pages = {row.id for row in ROWS if "page" in row.only_where}
    assert {row.id for row in left_out["the client is not a page"]} == about_pages
    assert {row.id for row in fit}.isdisjoint(about_pages)


def test_what_a_profile_says_is_false_is_a_reason():
    without = replace(REFERENCE, has=Has(retry_after=False, switch=True, reload=True, tabs=True))
    _, left_out = fitting(ROWS, without)
    assert {reason: [row.id for row in rows] for reason, rows in left_out.items()} == {
        "the client's profile says retry_after = false": ["CLIENT-11", "CLIENT-12", "CLIENT-14"]
    }


def test_a_page_that_starts_by_itself_cannot_be_started_again():
    starts_by_itself = replace(REFERENCE, page=replace(REFERENCE.page, start=""))
    _, left_out = fitting(ROWS, starts_by_itself)
    assert [row.id for row in left_out["the client's profile has no `page.start`"]] == ["CLIENT-04"]


def test_a_key_that_profiles_do_not_have_is_an_error():
    rows = parse_plan(
        "## A\n\n| Id | Row | Done | Expected | Only where |\n|---|---|---|---|---|\n"
        "| CLIENT-01 | a | b | c | `wings` |\n",
        "plan",
    )
    with pytest.raises(UsageError, match="CLIENT-01 is only for clients with 'wings'"):
        fitting(rows, REFERENCE)
