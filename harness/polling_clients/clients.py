"""The clients of one row, driven from the scenario's thread."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.client import Client as User
from harness.errors import UsageError
from harness.polling_clients.drivers.browser import Browser
from harness.polling_clients.drivers.program import ProgramClient
from harness.polling_clients.drivers.told import Told
from harness.polling_clients.front import Front
from harness.polling_clients.loop import LoopThread
from harness.polling_clients.profile import LoadedProfile

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext

    from harness.polling_clients.drivers.page import PageClient


def _named(user: User) -> dict[str, str]:
    return {"username": user.username, "token": user.token or ""}


class RunningClient:
    """One client under test, for one user at a time; every method waits until it is done."""

    def __init__(self, loop: LoopThread, driver: PageClient | ProgramClient, user: User) -> None:
        self.driver = driver
        self.user = user
        self._loop = loop

    @property
    def name(self) -> str:
        """Its name in the history."""
        return self.driver.told.client

    @property
    def shown(self) -> list[str]:
        """The ids of the messages that it handed on, in order."""
        return list(self.driver.told.shown)

    @property
    def has_died(self) -> str:
        """How the program ended, if it ended by itself; else ''."""
        return self.driver.has_died if isinstance(self.driver, ProgramClient) else ""

    @property
    def last_lines(self) -> str:
        """The last lines that the program printed; '' for a page."""
        return self.driver.last_lines if isinstance(self.driver, ProgramClient) else ""

    def stop(self) -> None:
        """Stop it."""
        self._do(self.driver.stop())

    def start_again(self) -> None:
        """Start it once more for the same user, while it runs."""
        self._do(self._page.start_again())

    def switch(self, user: User) -> None:
        """Let it go on for another user."""
        self.user = user
        self._do(self._page.switch(_named(user)))

    def reload(self) -> None:
        """Load the page again."""
        self._do(self._page.reload())

    def close_tab(self) -> None:
        """Close its tab."""
        self._do(self._page.close_tab())

    def hide(self) -> None:
        """Hide the page."""
        self._do(self._page.hide(hidden=True))

    def show(self) -> None:
        """Show the page again."""
        self._do(self._page.hide(hidden=False))

    def freeze(self) -> None:
        """Freeze the page, or stop the program with SIGSTOP."""
        self._do(self.driver.freeze(frozen=True))

    def resume(self) -> None:
        """Let it go on; a page is still hidden."""
        self._do(self.driver.freeze(frozen=False))

    def go_offline(self) -> None:
        """Take the browser's network away."""
        self._do(self._page.offline(offline=True))

    def go_online(self) -> None:
        """Give it back."""
        self._do(self._page.offline(offline=False))

    def fall_asleep(self) -> None:
        """Let no timer of the page run any more."""
        self._do(self._page.fall_asleep())

    def wake_up(self, *, slept_s: float) -> None:
        """Let the page's clocks jump, and its timers run again."""
        self._do(self._page.wake_up(slept_s=slept_s))

    @property
    def _page(self) -> PageClient:
        if isinstance(self.driver, ProgramClient):
            raise UsageError("Only a page can do this.")
        return self.driver

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        self._loop.run(work)


class Clients:
    """Starts the clients of one row, and ends them with it."""

    def __init__(
        self, loaded: LoadedProfile, loop: LoopThread, browser: Browser, front: Front, url: str, log: Path
    ) -> None:
        self.running: list[RunningClient] = []
        self._loaded = loaded
        self._loop = loop
        self._browser = browser
        self._front = front
        self._url = url
        self._record = front.record
        self._log = log
        self._contexts: dict[str, BrowserContext] = {}

    def start(self, user: User, *, with_clock: bool = False) -> RunningClient:
        """Start a client for this user; a second one of the same user is another tab of the same browser.

        `with_clock`: its clocks can jump.
        """
        if self._loaded.profile.page is not None:
            return self._loop.run(self._start_page(user, with_clock=with_clock))
        return self._loop.run(self._start_program(user))

    def close(self) -> None:
        """End them all."""
        self._loop.run(self._close())

    async def _start_page(self, user: User, *, with_clock: bool) -> RunningClient:
        page = self._loaded.profile.page
        assert page is not None
        browser = await self._browser.get()  # first, as it says what to do where there is no Playwright
        from harness.polling_clients.drivers.page import PageClient

        if user.username not in self._contexts:
            self._contexts[user.username] = await browser.new_context()
        else:
            self._record("client_told", client=self._next("tab"), did="open_tab", user=user.username)
        told = Told(self._record, self._next("tab"), self._front.owners)
        context = self._contexts[user.username]
        driver = PageClient(context, page, self._url, told, self._log, with_clock=with_clock)
        client = self._added(driver, user)
        await driver.start(_named(user))
        return client

    async def _start_program(self, user: User) -> RunningClient:
        program = self._loaded.profile.program
        assert program is not None
        told = Told(self._record, self._next("program"), self._front.owners)
        log = self._log.with_name(f"{self._log.stem}-{told.client}.log")
        driver = ProgramClient(program, self._loaded.folder, told, log)
        client = self._added(driver, user)
        await driver.start(_named(user), await self._front.listen(told.client))
        return client

    def _added(self, driver: PageClient | ProgramClient, user: User) -> RunningClient:
        client = RunningClient(self._loop, driver, user)
        self.running.append(client)
        return client

    def _next(self, kind: str) -> str:
        return f"{kind}-{len(self.running) + 1}"

    async def _close(self) -> None:
        for client in self.running:
            await client.driver.close()
        for context in self._contexts.values():
            await context.close()
