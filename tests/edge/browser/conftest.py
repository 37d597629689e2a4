"""Chromium, and a server for it.

Where there is no Chromium, the tests skip with the sentence that says how to get it. In CI they fail, unless
WITHOUT_CHROMIUM says that this machine may not have one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from harness.runner.screenshots import Screenshots
from harness.stack import Found, Services
from harness.stack.browser import running
from harness.stack.target_process import Target
from harness.stack.waiting import wait_until
from tests.edge.browser.chat_page import ChatPage, new_name
from tests.edge.browser.pictures import picture
from tests.edge.browser.timing import judged_in_time
from tests.edge.server.process import ready, target

_NAMES = {"redis": "Redis", "mongodb": "MongoDB"}
NewPage = Callable[..., ChatPage]
Look = Callable[[Page, str], None]
InTime = Callable[[], AbstractContextManager[None]]
PATIENCE_MS = 20_000
"""How long what a page will show may take on a busy machine; what is measured has its own bounds."""
LONGEST_TEST_S = 180
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a browser and a server start within a test's time; what is done in a page is a test end to end."""
    for item in items:
        if not item.path.is_relative_to(HERE):
            continue
        item.add_marker(pytest.mark.e2e)
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LONGEST_TEST_S))


def need_no_room(items: Iterable[pytest.Item]) -> None:
    """Let these tests, as rows of the plan, begin without a look whether the machine has room.

    Their server and their browser run already in this process, and what measures a time runs alone. A hundred
    short tests would otherwise wait for one another.
    """
    for item in items:
        item.add_marker(pytest.mark.plan(light=True))


@pytest.fixture(scope="session")
def chromium(chromium_found: Found) -> Iterator[Browser]:
    """The machine's Chromium with an empty profile of its own."""
    assert chromium_found.binary is not None
    expect.set_options(timeout=PATIENCE_MS)
    with running(chromium_found.binary) as browser:
        yield browser


@pytest.fixture(scope="session")
def one_server(
    services: Services, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Target]:
    """A server for all tests; each has users of its own."""
    server = target(services, tmp_path_factory.mktemp("server"))
    server.ready_deadline_s = 60  # every test needs it, on a busy machine, too
    server.start()
    need_no_room(item for item in request.session.items if "one_server" in getattr(item, "fixturenames", ()))
    yield server
    server.stop()


@pytest.fixture
def server(one_server: Target) -> Target:
    """The server, in good health: other rows of the plan may just have broken its stores."""
    wait_until(lambda: ready(one_server.base_url)["status"] == "ok", deadline_s=20, what="a healthy server")
    return one_server


@pytest.fixture
def heal(services: Services) -> Iterator[None]:
    """Every proxy as it was, after the test."""
    yield
    for proxy in services.proxies.values():
        proxy.heal()


@pytest.fixture
def in_time(screenshots: Screenshots | None) -> InTime:
    """A context for a test that measures: on a machine that was too busy its failure says nothing."""
    return lambda: judged_in_time(in_a_run=screenshots is not None)


@pytest.fixture
def look(screenshots: Screenshots | None) -> Look:
    """Keeps a picture of a page for the report of a run of rows, and does nothing in other sessions."""

    def keep(page: Page, title: str) -> None:
        if screenshots is not None:
            screenshots.keep(title, picture(page))

    return keep


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """What one person at one computer has: pages that share a storage, and nothing of an earlier test."""
    context = chromium.new_context()
    yield context
    context.close()


@pytest.fixture
def new_page(
    chromium: Browser, server: Target, look: Look, request: pytest.FixtureRequest
) -> Iterator[NewPage]:
    """Opens the chat page in a storage of its own; takes the options of Playwright's new_context.

    What the first one shows in the end goes into the report.
    """
    pages: list[ChatPage] = []

    def open_page(**options: object) -> ChatPage:
        pages.append(ChatPage(chromium.new_context(**options).new_page(), server.base_url))
        return pages[-1].visit()

    yield open_page
    if pages and not pages[0].page.is_closed():
        look(pages[0].page, sentence(request.node.name))
    for page in pages:
        page.page.context.close()


def sentence(test: str) -> str:
    """Return a test's name as the sentence that it is."""
    name, _, case = test.removeprefix("test_").partition("[")
    words = " ".join(_NAMES.get(word, word) for word in name.split("_"))
    words = words[0].upper() + words[1:]
    return f"{words} ({case.removesuffix(']')})" if case else words


def registered(page: ChatPage, start: str) -> ChatPage:
    """A page on which a new user is signed in."""
    return page.register(new_name(start))


@pytest.fixture
def alice(new_page: NewPage) -> ChatPage:
    """A new user, signed in."""
    return registered(new_page(), "alice")


@pytest.fixture
def bob(new_page: NewPage) -> ChatPage:
    """Another."""
    return registered(new_page(), "bob")
