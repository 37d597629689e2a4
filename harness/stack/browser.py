"""A Chromium without a window, driven by Playwright."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import NotHere
from harness.extras import BROWSER, installing

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ARGUMENTS = (
    "--no-sandbox",  # root, and most containers, have no other way; the pages are our own
    "--disable-dev-shm-usage",  # a container's /dev/shm may have 64 MB, or nothing
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",  # nothing leaves this machine
    "--disable-component-update",
    "--disable-sync",
)
NO_PLAYWRIGHT = (
    f"Pages are opened with Playwright, which this Python does not have: run `{installing(BROWSER)}`."
)
_START_MS = 60_000


@contextmanager
def running(program: Path) -> Iterator[Browser]:
    """Start a browser with an empty temporary profile; end it, whatever happens.

    Raise NotHere where this Python does not have Playwright, the browser does not start, or shows no text.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        raise NotHere(NO_PLAYWRIGHT) from error
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=program, headless=True, args=list(ARGUMENTS), timeout=_START_MS
            )
        except Error as error:
            raise NotHere(does_not_start(program, error.message)) from error
        try:
            _require_fonts(browser)
            yield browser
        finally:
            browser.close()


def does_not_start(program: Path | None, message: str) -> str:
    """Return the sentence for a browser that does not start, from Playwright's message."""
    return f"{program} does not start: {message.splitlines()[0]}"


def _require_fonts(browser: Browser) -> None:
    """Raise NotHere where Chromium finds no font: then it shows no text, and every page looks empty."""
    page = browser.new_page()
    page.set_content("<span>text</span>")
    width = page.evaluate("document.querySelector('span').getBoundingClientRect().width")
    page.close()
    if not width:
        raise NotHere("Chromium finds no font, so it shows no text: run `apt-get install fonts-dejavu-core`.")
