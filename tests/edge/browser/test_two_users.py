"""The client in real pages against the real server: two users, several tabs, and what is left after stop."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from harness.client.variety.variety import Manner
from harness.stack.target_process import Target
from harness.stack.waiting import wait_until
from tests.edge.browser.conftest import InTime
from tests.edge.browser.files import CLIENT, ROOT, open_page, serve
from tests.edge.browser.timing import in_one_attempt
from tests.edge.server.process import Chat

pytestmark = pytest.mark.timeout(180)  # a browser and a server start within it
START = """async ([path, username, token]) => {
  const { MessagePollingService } = await import(path);
  const service = new MessagePollingService({ token });
  Object.assign(window, { service, got: [], states: [] });
  service.onMessage((message) => got.push({ text: message.message, at: Date.now() }));
  service.onState((state) => states.push(state));
  service.start(username);
}"""
SEND = """async ([to, content, token]) => {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  const body = JSON.stringify({ to_username: to, content });
  const answer = await fetch('/api/users/messages', { method: 'POST', headers, body });
  return answer.ok && Date.now();
}"""
ANSWERS_COME_LATE = """() => {
  // As where a network has the answer already: it comes although the request was given up.
  const { fetch } = window;
  const gate = new Promise((open) => Object.assign(window, { open, answered: 0 }));
  window.fetch = async (url, init) => {
    const answer = await fetch(url, { ...init, signal: undefined });
    answered += 1;
    await gate;
    return answer;
  };
}"""
START_WITH_TOKENS = """async ([path, username, tokens]) => {
  const { MessagePollingService } = await import(path);
  window.service = new MessagePollingService({ token: (name) => tokens[name] });
  window.got = [];
  service.onMessage((message) => got.push({ text: message.message, to: service.username }));
  service.start(username);
}"""
LEADS = "states.findLast((state) => state.type === 'polling').leading"
NO_LOCK = "() => navigator.locks.query().then(({ held, pending }) => !held.length && !pending.length)"
HOLD_LOCK = """(name) => {
  window.taken = navigator.locks.request(name, () => new Promise(() => {})).catch((error) => error.name);
}"""
WITHIN_MS = 2000
"""The contract's `on-time`."""
ATTEMPTS = 3
"""A machine that is busy can delay one message; a client or a server that is late is late every time."""


@pytest.fixture
def chat(server: Target) -> Iterator[Chat]:
    """Two new users."""
    chat = Chat(server.base_url)
    yield chat
    chat.close()


@pytest.fixture
def pages(chromium: Browser, server: Target, chat: Chat) -> Iterator[tuple[Page, Page]]:
    """Alice's page and Bob's, at two computers."""
    contexts = chromium.new_context(), chromium.new_context()
    alice, bob = contexts
    yield started(alice, server, chat.alice), started(bob, server, chat.bob)
    for context in contexts:
        context.close()


def started(context: BrowserContext, server: Target, user: Any) -> Page:
    page = open_page(context, server.base_url)
    page.evaluate(START, [CLIENT, user.username, user.token])
    page.wait_for_function("states.at(-1)?.type === 'polling'")
    return page


def arrival(page: Page, text: str) -> float:
    """Wait for a message; return when it was handed on, in milliseconds since 1970."""
    page.wait_for_function("text => got.some((message) => message.text === text)", arg=text, timeout=10_000)
    return float(page.evaluate("text => got.find((message) => message.text === text).at", text))


def leads(page: Page) -> bool:
    return bool(page.evaluate(LEADS))


def texts(page: Page) -> list[str]:
    return list(page.evaluate("got.map((message) => message.text)"))


def delay_ms(sender: Page, from_user: Any, recipient: Page, to_user: Any) -> float:
    """Send a message from one page; return how long after its ack the other page has it, once."""
    text = f"Hello {uuid.uuid4()}"
    acked_at = sender.evaluate(SEND, [to_user.username, text, from_user.token])
    delay = arrival(recipient, text) - acked_at
    assert texts(recipient).count(text) == 1
    return float(delay)


@pytest.mark.plan("TWO-01", alone=True)
def test_hello_is_there_within_two_seconds_both_ways(
    pages: tuple[Page, Page], chat: Chat, in_time: InTime
) -> None:
    alice, bob = zip(pages, (chat.alice, chat.bob), strict=True)
    for sender, recipient in ((alice, bob), (bob, alice)):
        with in_time():
            delays = in_one_attempt(
                partial(delay_ms, *sender, *recipient), within=WITHIN_MS, attempts=ATTEMPTS
            )
            assert min(delays) <= WITHIN_MS, delays


@pytest.mark.plan("SERVICE-09")
def test_one_of_two_tabs_polls_and_the_other_takes_over(
    context: BrowserContext, server: Target, chat: Chat
) -> None:
    tabs = [started(context, server, chat.bob) for _ in range(2)]
    wait_until(lambda: sum(map(leads, tabs)) == 1, deadline_s=20, what="one tab to lead")
    tabs.sort(key=leads, reverse=True)
    chat.send()
    text = f"no. {chat.count}"
    assert all(arrival(tab, text) for tab in tabs)
    tabs[0].close()
    tabs[1].wait_for_function(LEADS)
    chat.send()
    assert arrival(tabs[1], f"no. {chat.count}")
    assert len(texts(tabs[1])) == len(set(texts(tabs[1])))


@pytest.mark.plan("SERVICE-09")
def test_a_tab_that_holds_the_lock_and_says_nothing_is_replaced(
    context: BrowserContext, server: Target, chat: Chat
) -> None:
    crashed = open_page(context, server.base_url)
    crashed.evaluate(HOLD_LOCK, f"polling-1::{chat.bob.username}")
    page = started(context, server, chat.bob)
    page.wait_for_function(LEADS)
    chat.send()
    arrival(page, f"no. {chat.count}")
    assert crashed.evaluate("taken") == "AbortError"


@pytest.mark.plan("SERVICE-07")
def test_a_reload_goes_on_at_the_cursor(context: BrowserContext, server: Target, chat: Chat) -> None:
    page = started(context, server, chat.bob)
    page.wait_for_function(LEADS)
    chat.send()
    arrival(page, f"no. {chat.count}")
    page.reload()
    chat.send()
    page.evaluate(START, [CLIENT, chat.bob.username, chat.bob.token])
    arrival(page, f"no. {chat.count}")
    assert texts(page) == [f"no. {chat.count}"]


@pytest.mark.plan("SERVICE-10")
def test_a_wrong_token_stops_the_polling(context: BrowserContext, server: Target, chat: Chat) -> None:
    page = open_page(context, server.base_url)
    page.evaluate(START, [CLIENT, chat.bob.username, "not a token"])
    page.wait_for_function("states.at(-1)?.reason === 'unauthorised'")


@pytest.mark.plan("SERVICE-08")
def test_stop_leaves_no_request_and_no_lock(context: BrowserContext, server: Target, chat: Chat) -> None:
    page = started(context, server, chat.bob)
    requests: list[str] = []
    page.evaluate("service.stop()")
    page.on("request", lambda request: requests.append(request.url))
    page.wait_for_function(NO_LOCK)
    chat.send()
    # Another user's poller in the same page shows that time passes: two polls of it, and none of the other.
    page.evaluate(START, [CLIENT, chat.alice.username, chat.alice.token])
    with page.expect_request(lambda request: chat.alice.username in request.url):
        pass
    with page.expect_request(lambda request: chat.alice.username in request.url):
        pass
    assert not [url for url in requests if chat.bob.username in url]


@pytest.mark.plan("SERVICE-08")
def test_a_page_that_is_left_and_come_back_to_polls_at_once(
    context: BrowserContext, server: Target, chat: Chat
) -> None:
    page = started(context, server, chat.bob)
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    page.wait_for_function(NO_LOCK)
    chat.send()
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    arrival(page, f"no. {chat.count}")


@pytest.mark.plan("SERVICE-11")
def test_the_page_of_the_documentation_works(context: BrowserContext, server: Target, chat: Chat) -> None:
    documentation = (ROOT / "docs" / "polling-client.md").read_text(encoding="utf-8")
    example = documentation.split("```html\n")[1].split("```")[0]
    copied = example.replace("./messagePollingService.js", CLIENT).replace("admin", chat.bob.username)
    url = serve(context, server.base_url, f"<!doctype html><meta charset=utf-8>{copied}")
    context.add_init_script(f"sessionStorage.setItem('token', '{chat.bob.token}')")
    page = context.new_page()
    page.goto(url)
    chat.send()
    expect(page.locator("#messages")).to_have_text(f"{chat.alice.username}: no. 1", timeout=10_000)
    expect(page.locator("#state")).to_have_text("")


@pytest.mark.plan("TWO-08")
def test_an_answer_in_flight_is_not_handed_to_the_next_user(
    context: BrowserContext, server: Target, chat: Chat
) -> None:
    first, second = chat.bob, chat.alice
    chat.send()
    page = open_page(context, server.base_url)
    page.evaluate(ANSWERS_COME_LATE)
    tokens = {user.username: user.token for user in (first, second)}
    page.evaluate(START_WITH_TOKENS, [CLIENT, first.username, tokens])
    page.wait_for_function("answered")
    page.evaluate("name => service.start(name)", second.username)
    page.evaluate("open()")
    first.send(second.username, Manner("for the next", None))
    page.wait_for_function("got.length")
    assert page.evaluate("got") == [{"text": "for the next", "to": second.username}]
    page.evaluate("name => service.start(name)", first.username)
    page.wait_for_function("got.length > 1")
    assert page.evaluate("got[1]") == {"text": "no. 1", "to": first.username}
