"""The Chromium of this machine, driven by Playwright, which only client runs and browser rows need."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from harness.errors import InfrastructureError, NotHere

if TYPE_CHECKING:
    from playwright.async_api import Browser as PlaywrightBrowser
    from playwright.async_api import Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = (
    "Chromium was not found: `apt-get install chromium` installs it, or CHROMIUM names one that is elsewhere."
)
NO_PLAYWRIGHT = "Playwright is not installed: `python -m pip install 'pollproof[browser]'` installs it."
ARGUMENTS = (
    "--no-sandbox",  # in a container there is often no other way; the pages are the user's own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",  # nothing leaves this machine
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str:
    """Return the path of a Chromium. Raise NotHere with the command that installs one."""
    named = os.environ.get("CHROMIUM")
    found = next(filter(None, map(shutil.which, (named,) if named else NAMES)), None)
    if found is None:
        raise NotHere(MISSING)
    return found


class Browser:
    """One Chromium without a window. All methods are for the thread of the event loop."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._browser: PlaywrightBrowser | None = None

    async def get(self) -> PlaywrightBrowser:
        """Return the browser, which the first call starts.

        Raise NotHere where it is missing, InfrastructureError where it does not start.
        """
        if self._browser is None or not self._browser.is_connected():
            self._browser = await self._start()
        return self._browser

    async def close(self) -> None:
        """End it."""
        if self._browser is not None:
            await self._browser.close()
        if self._playwright is not None:
            await self._playwright.stop()

    async def _start(self) -> PlaywrightBrowser:
        path = find_chromium()
        try:
            from playwright.async_api import Error, async_playwright
        except ImportError as error:
            raise NotHere(NO_PLAYWRIGHT) from error
        if self._playwright is None:
            self._playwright = await async_playwright().start()
        try:
            return await self._playwright.chromium.launch(
                executable_path=path, headless=True, args=list(ARGUMENTS), handle_sigint=False
            )
        except Error as error:
            raise InfrastructureError(f"Chromium ({path}) cannot be started: {error.message}") from error
