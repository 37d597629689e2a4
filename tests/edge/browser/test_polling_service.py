"""The polling client's own tests: in Chromium, and under Node where there is one."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.node import FILES, check, node
from tests.edge.browser.files import ROOT, open_page

pytestmark = pytest.mark.timeout(180)  # a browser starts within it
NO_SERVER = "http://127.0.0.1:9"
"""Every file is given by the test; a request that went out would find no server there."""
RUN = """async (file) => {
  await import(file);
  return (await import('/tests/browser/testing.mjs')).runAll();
}"""


def check_everywhere(context: BrowserContext, name: str) -> None:
    """Run a file's tests, each of which must be run."""
    file = ROOT / "tests" / "browser" / f"{name}.test.mjs"
    results = open_page(context, NO_SERVER).evaluate(RUN, f"/{file.relative_to(ROOT)}")
    failed = {result["name"]: result["error"] for result in results if result["error"]}
    assert not failed
    assert len(results) >= len(re.findall(r"^test\(", file.read_text(encoding="utf-8"), re.MULTILINE)) > 0
    if path := node():
        check(path, file)


@pytest.mark.plan("SERVICE-01")
def test_starting_and_stopping(context: BrowserContext) -> None:
    check_everywhere(context, "starting")


@pytest.mark.plan("SERVICE-02")
def test_delivering(context: BrowserContext) -> None:
    check_everywhere(context, "delivering")


@pytest.mark.plan("SERVICE-03", long=True)
def test_pacing(context: BrowserContext) -> None:
    check_everywhere(context, "pacing")


@pytest.mark.plan("SERVICE-04")
def test_errors(context: BrowserContext) -> None:
    check_everywhere(context, "errors")


@pytest.mark.plan("SERVICE-05")
def test_waking(context: BrowserContext) -> None:
    check_everywhere(context, "waking")


@pytest.mark.plan("SERVICE-06")
def test_tabs(context: BrowserContext) -> None:
    check_everywhere(context, "tabs")


def test_odd_inputs(context: BrowserContext) -> None:
    check_everywhere(context, "odd")


def test_no_file_is_left_out() -> None:
    here = (ROOT / "tests/edge/browser/test_polling_service.py").read_text(encoding="utf-8")
    run = set(re.findall(r'check_everywhere\(context, "(\w+)"\)', here))
    assert run == {file.name.removesuffix(".test.mjs") for file in FILES}
