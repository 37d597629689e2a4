"""The pytest plugin of client runs: the `stage` of a scenario, and the browser that the rows share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.polling_clients.drivers.browser import Browser
from harness.polling_clients.loop import LoopThread
from harness.polling_clients.profile import LoadedProfile, load_client
from harness.polling_clients.stage import Stage
from harness.run import Run


@pytest.fixture(scope="session")
def loaded_client(pytestconfig: pytest.Config) -> LoadedProfile:
    """The profile of the client under test."""
    return load_client(pytestconfig.getoption("--harness-client"))


@pytest.fixture(scope="session")
def loop_thread() -> Iterator[LoopThread]:
    """The event loop of this process's clients."""
    with LoopThread() as loop:
        yield loop


@pytest.fixture(scope="session")
def shared_browser(loop_thread: LoopThread) -> Iterator[Browser]:
    """The browser of this process; it starts with the first page."""
    browser = Browser()
    yield browser
    loop_thread.run(browser.close())


@pytest.fixture
def stage(
    run: Run,
    loaded_client: LoadedProfile,
    loop_thread: LoopThread,
    shared_browser: Browser,
    request: pytest.FixtureRequest,
) -> Iterator[Stage]:
    """One row: a server, the front before it, and clients; all end with it."""
    logs = Path(request.config.getoption("--harness-reports")) / "logs"
    name = "-".join(_rows(request))
    stage = Stage(run, loaded_client, loop_thread, shared_browser, logs / f"client-{name}.log")
    try:
        yield stage
    finally:
        stage.close()


def _rows(request: pytest.FixtureRequest) -> list[str]:
    return [str(row) for mark in request.node.iter_markers("plan") for row in mark.args]
