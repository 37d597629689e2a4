"""The tests that Node runs in tests/unit/browser, in the browser for which the client is."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext

from tests.edge.browser.files import ROOT, open_page

pytestmark = pytest.mark.timeout(180)  # a browser starts within it
NO_SERVER = "http://127.0.0.1:9"
"""Every file is given by the test; a request that went out would find nobody there."""
FILES = sorted(f"/{file.relative_to(ROOT)}" for file in (ROOT / "tests" / "browser").glob("*.test.mjs"))
RUN = """async (files) => {
  for (const file of files) await import(file);
  return (await import('/tests/browser/testing.mjs')).runAll();
}"""


def test_the_client_keeps_its_promises_in_chromium(context: BrowserContext) -> None:
    results = open_page(context, NO_SERVER).evaluate(RUN, FILES)
    failed = {result["name"]: result["error"] for result in results if result["error"]}
    assert not failed
    assert len(results) > len(FILES)
