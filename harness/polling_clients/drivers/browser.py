"""The Chromium of the pages under test, driven by Playwright in the event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from harness.errors import NotHere
from harness.stack import locate_chromium
from harness.stack.browser import ARGUMENTS, NO_PLAYWRIGHT, does_not_start

if TYPE_CHECKING:
    from playwright.async_api import Browser as PlaywrightBrowser
    from playwright.async_api import Playwright


class Browser:
    """One Chromium without a window. All methods are for the thread of the event loop."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._browser: PlaywrightBrowser | None = None

    async def get(self) -> PlaywrightBrowser:
        """Return the browser, which the first call starts. Raise NotHere where it cannot be had."""
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
        found = await asyncio.to_thread(locate_chromium, install=False, say=lambda line: None)
        try:
            from playwright.async_api import Error, async_playwright
        except ImportError as error:
            raise NotHere(NO_PLAYWRIGHT) from error
        if self._playwright is None:
            self._playwright = await async_playwright().start()
        try:
            return await self._playwright.chromium.launch(
                executable_path=found.binary, headless=True, args=list(ARGUMENTS), handle_sigint=False
            )
        except Error as error:
            raise NotHere(does_not_start(found.binary, error.message)) from error
