"""Chromium, and a server for it.

Where there is no Chromium, the tests skip with the sentence that says how to get it. In CI they fail, unless
WITHOUT_CHROMIUM says that this machine may not have one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from harness.errors import NotHere
from harness.stack import Services, locate_chromium
from harness.stack.browser import running
from harness.stack.chromium import LEFT_OUT, left_out
from harness.stack.target_process import Target
from tests.edge.browser.chat_page import ChatPage, new_name
from tests.edge.conftest import IN_CI
from tests.edge.server.process import target

NewPage = Callable[..., ChatPage]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The machine's Chromium with an empty profile of its own."""
    if left_out():
        pytest.skip(f"{LEFT_OUT} leaves out what needs a browser")
    try:
        found = locate_chromium(install=False, say=print)
    except NotHere as error:
        if IN_CI:
            raise
        pytest.skip(error.sentence)
    assert found.binary is not None
    with running(found.binary) as browser:
        yield browser


@pytest.fixture(scope="module")
def server(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server for a module's tests; each has users of its own."""
    server = target(services, tmp_path_factory.mktemp("server"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """What one person at one computer has: pages that share a storage, and nothing of an earlier test."""
    context = chromium.new_context()
    yield context
    context.close()


@pytest.fixture
def new_page(chromium: Browser, server: Target) -> Iterator[NewPage]:
    """Opens the chat page in a storage of its own; takes the options of Playwright's new_context."""
    contexts = []

    def open_page(**options: object) -> ChatPage:
        context = chromium.new_context(**options)
        contexts.append(context)
        return ChatPage(context.new_page(), server.base_url).visit()

    yield open_page
    for context in contexts:
        context.close()


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
