"""A page that falls asleep while its timers fire: Playwright's clock refuses a time that they have passed."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from playwright.async_api import Route, async_playwright

from harness.polling_clients.drivers.page import PageClient
from harness.polling_clients.drivers.told import Told
from harness.polling_clients.profile import Page
from harness.stack import Found
from harness.stack.browser import ARGUMENTS

BUSY = "<script>window.fired = 0; setInterval(() => { fired += 1; Date.now(); }, 1)</script>"
TRIES = 20


def test_a_page_whose_timers_fire_all_the_time_falls_asleep(chromium_found: Found, tmp_path: Path) -> None:
    async def fall_asleep_and_wake_up() -> None:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=str(chromium_found.binary), args=list(ARGUMENTS)
            )
            context = await browser.new_context()
            await context.route("**/*", lambda route: _answer(route))
            tab = await context.new_page()
            await tab.clock.install()
            await tab.goto("http://page.test/")
            told = Told(lambda *_, **__: None, "client", {})
            client = PageClient(
                context, Page("/"), "http://page.test", told, tmp_path / "log", with_clock=True
            )
            client._tab = tab
            for _ in range(TRIES):
                await client.fall_asleep()
                fired = await tab.evaluate("fired")
                await asyncio.sleep(0.05)
                assert await tab.evaluate("fired") == fired
                await client.wake_up(slept_s=1.0)
                await tab.wait_for_function("before => fired > before + 1", arg=fired)
            await browser.close()

    with ThreadPoolExecutor(1) as thread:  # in this one, the other tests' Playwright has a loop that runs
        thread.submit(asyncio.run, fall_asleep_and_wake_up()).result()


async def _answer(route: Route) -> None:
    await route.fulfill(body=BUSY, content_type="text/html")
