"""A client in a page: one tab of one Chromium, in the storage that its user's tabs share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, TypeVar

from playwright.async_api import BrowserContext, CDPSession, ConsoleMessage, Error
from playwright.async_api import Page as Tab

from harness.errors import InfrastructureError, UsageError
from harness.polling_clients.drivers.told import Told
from harness.polling_clients.front.front import LABEL
from harness.polling_clients.profile import Page

T = TypeVar("T")
HOOK = Path(__file__).with_name("hook.js").read_text(encoding="utf-8")
CONFIG = "{/* CONFIG */}"
LOADED_WITHIN_S = 15.0
ANSWERS_WITHIN_S = 10.0
User = dict[str, str]
"""`username` and `token`."""


class PageClient:
    """One tab. All methods are for the thread of the event loop.

    Raise UsageError when the page cannot be loaded or a function of its profile fails: that is not a verdict.
    """

    def __init__(
        self, context: BrowserContext, profile: Page, url: str, told: Told, log: Path, *, with_clock: bool
    ) -> None:
        self.told = told
        self._context = context
        self._profile = profile
        self._url = url.rstrip("/") + profile.path
        self._log = log
        self._with_clock = with_clock
        self._tab: Tab | None = None
        self._debugger: CDPSession | None = None
        self._user: User = {}
        self._failures: list[str] = []

    async def start(self, user: User) -> None:
        """Load the page and start it for this user."""
        self._user = user
        self._tab = await self._context.new_page()
        self._tab.on("console", self._on_console)
        self._tab.on("pageerror", lambda error: self._failures.append(error.message))
        await self._tab.set_extra_http_headers({LABEL: self.told.client})
        await self._tab.expose_function("pollproofReport", self._on_report)
        await self._tab.add_init_script(self._hook())
        if self._with_clock:
            await self._tab.clock.install()
        await self._load(self._tab.goto(self._url, wait_until="load", timeout=LOADED_WITHIN_S * 1000))
        await self._call("start", self._profile.start, before="start")

    async def start_again(self) -> None:
        """Start it once more for the same user."""
        await self._call("start", self._profile.start, before="start")

    async def stop(self) -> None:
        """Stop it; the page stays open."""
        await self._call("stop", self._profile.stop, after="stop")

    async def switch(self, user: User) -> None:
        """Let it go on for another user."""
        self._user = user
        self.told.begin_switch(user["username"])
        await self._call("switch", self._profile.switch, after="switch")

    async def reload(self) -> None:
        """Load the page again, and start it."""
        self.told.did("reload")
        await self._load(self._require().reload(wait_until="load", timeout=LOADED_WITHIN_S * 1000))
        await self._call("start", self._profile.start)

    async def close(self) -> None:
        """Close the tab, as a user does."""
        if self._tab is not None:
            tab, self._tab = self._tab, None
            await tab.close()

    async def close_tab(self) -> None:
        """Close the tab, and record it."""
        await self.close()
        self.told.did("close_tab")

    async def hide(self, *, hidden: bool) -> None:
        """Hide the page behind another one, or show it again."""
        script = "([hidden, did]) => { pollproofTold(did, null); pollproofSetHidden(hidden); }"
        await self._within(self._require().evaluate(script, [hidden, "hide" if hidden else "show"]))

    async def freeze(self, *, frozen: bool) -> None:
        """Freeze the page, as browsers do with a page that was hidden for long; or resume it, still hidden.

        Chromium refuses to freeze a page without a window, so the debugger keeps its scripts from running.
        """
        if self._debugger is None:
            self._debugger = await self._context.new_cdp_session(self._require())
        if frozen:
            await self._within(self._require().evaluate("() => pollproofSetFrozen(true)"))
            await self._within(self._debugger.send("Debugger.enable"))
            await self._within(self._debugger.send("Debugger.pause"))
            self.told.did("freeze")
        else:
            self.told.did("resume")
            await self._within(self._debugger.send("Debugger.disable"))  # also where no script was to run
            await self._within(self._require().evaluate("() => pollproofSetFrozen(false)"))

    async def offline(self, *, offline: bool) -> None:
        """Take the network away from the browser, or give it back."""
        if not offline:
            self.told.did("online")
        await self._within(self._context.set_offline(offline))
        if offline:
            self.told.did("offline")

    async def fall_asleep(self) -> None:
        """Let no timer of the page run any more, as on a laptop whose lid is closed."""
        try:
            await self._pause_clock()
        except Error as error:
            if "to the past" not in str(error):
                raise
            await self._pause_clock()  # a timer fired after the time was read; now the clock stands still
        self.told.did("freeze")

    async def wake_up(self, *, slept_s: float) -> None:
        """Let its clocks jump, and its timers run again; each that was due fires once."""
        tab = self._require()
        self.told.did("resume", slept_s=slept_s)
        await self._within(tab.clock.fast_forward(int(slept_s * 1000)))
        await self._within(tab.clock.resume())

    async def _pause_clock(self) -> None:
        tab = self._require()
        now_ms = await self._within(tab.evaluate("Date.now()"))
        await self._within(tab.clock.pause_at(now_ms / 1000 + 0.001))

    def _hook(self) -> str:
        shown = self._profile.shown
        config = {
            "selector": shown.selector if shown else None,
            "attribute": shown.attribute if shown else None,
            "beforeLoad": self._profile.before_load or None,
            "user": self._user,
        }
        return HOOK.replace(CONFIG, json.dumps(config))

    async def _load(self, loading: Awaitable[Any]) -> None:
        try:
            answer = await loading
        except Error as error:
            raise UsageError(f"The page {self._url} does not load: {_first_line(error)}.") from error
        if answer is None or answer.status != 200:
            said = answer.status if answer else "nothing"
            raise UsageError(f"The page {self._url} does not load: it was answered {said}.")

    async def _call(self, key: str, function: str, *, before: str = "", after: str = "") -> None:
        """Call a function of the profile, and report in the page itself when it was called, or had ended."""
        body = f"const act = ({function or '() => undefined'});"
        told = "if (%s) pollproofTold(%s, user.username);"
        script = (
            f"async (user) => {{ {body}{told % (json.dumps(before), json.dumps(before))}"
            f"await act(user); {told % (json.dumps(after), json.dumps(after))} }}"
        )
        try:
            await self._within(self._require().evaluate(script, self._user))
        except Error as error:
            failed = "".join(f"; the page said: {it}" for it in self._failures[:1])
            raise UsageError(f"The page's `{key}` failed: {_first_line(error)}{failed}.") from error

    async def _within(self, work: Awaitable[T]) -> T:
        """Return the result. Raise InfrastructureError if the browser does not do it in time."""
        try:
            return await asyncio.wait_for(work, ANSWERS_WITHIN_S)
        except TimeoutError as error:
            raise InfrastructureError(
                f"The browser did not do within {ANSWERS_WITHIN_S:g} s what it was asked for."
            ) from error

    def _require(self) -> Tab:
        if self._tab is None:
            raise UsageError("The tab of the client is closed.")
        return self._tab

    def _on_report(self, text: str) -> None:
        event = json.loads(text)
        if "told" in event:
            self.told.did(event["told"], user=event["user"])
        elif "handed" in event:
            if event["handed"] is not None:
                self.told.handed(event["handed"], user=event["user"], content=event["content"])
        else:
            self.told.state(event["state"], event["error"])

    def _on_console(self, message: ConsoleMessage) -> None:
        with self._log.open("a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(f"{self.told.client} {message.type}: {message.text}\n")


def _first_line(error: Error) -> str:
    return (error.message.splitlines() or ["it failed"])[0].removesuffix(".")
