"""Mistakes that polling pages are known for, each of which has lost or doubled messages somewhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from harness.stack.target_process import Target
from tests.edge.browser.chat_page import ChatPage, new_name
from tests.edge.browser.conftest import Look
from tests.edge.browser.test_window_limits import fill_mailbox, watch_polls

PATIENCE_MS = 40_000
POLLS = "**/poll/**"
INTERVAL_S = 2.0
SELDOM_MS = 60_000
RETRY_AFTER_S = 3
CLOCKS_S = 0.1
"""What the browser's times of two requests may be off by."""


def more_polls(page: ChatPage, count: int) -> None:
    """Wait for that many answers more."""
    for _ in range(count):
        page.page.wait_for_event("response", predicate=lambda answer: "/poll/" in answer.url)


@pytest.mark.plan("REGR-01", long=True)
def test_polling_starts_at_each_sign_in_and_once(alice: ChatPage) -> None:
    most = watch_polls(alice.page)
    alice.sign_out()
    alice.sign_in(alice.name)
    alice.page.reload()
    alice.expect_signed_in(alice.name)
    first = len(alice.polls)
    more_polls(alice, 4)
    gaps = alice.gaps_s(first)
    assert min(gaps) >= INTERVAL_S / 2, gaps  # two pollers would halve it, at least once
    assert most == [1]


@pytest.mark.plan("REGR-02")
def test_what_a_user_sends_does_not_hide_what_the_user_was_sent(alice: ChatPage, bob: ChatPage) -> None:
    alice.write_to(bob.name)
    bob.write_to(alice.name)
    alice.page.route(POLLS, lambda route: route.abort())
    alice.expect_service("No connection, trying again")
    bob.send("sent first")
    expect(bob.state("sent first")).to_have_text("Sent")
    alice.send("sent second")
    expect(alice.state("sent second")).to_have_text("Sent")
    alice.page.unroute(POLLS)
    expect(alice.message("sent first")).to_be_visible(timeout=PATIENCE_MS)
    assert sorted(alice.texts) == ["sent first", "sent second"]


@pytest.mark.plan("REGR-03")
def test_more_than_a_page_is_read_to_its_end(alice: ChatPage, server: Target) -> None:
    def asking_to_poll_seldom(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "poll_after_ms": SELDOM_MS})

    alice.page.route(POLLS, lambda route: route.abort())
    fill_mailbox(server, new_name("sender"), alice.name, 250)
    alice.page.route(POLLS, asking_to_poll_seldom)  # instead of the other one
    # The next page at once: with the next poll, all three would take longer than this.
    expect(alice.page).to_have_title("(250) Chat", timeout=PATIENCE_MS)


@pytest.mark.plan("REGR-04")
def test_equal_texts_are_different_messages(alice: ChatPage, bob: ChatPage) -> None:
    alice.write_to(bob.name)
    bob.write_to(alice.name)
    for _ in range(3):
        alice.send("ok")
    expect(bob.messages).to_have_count(3)
    bob.page.reload()
    bob.expect_signed_in(bob.name)
    expect(bob.messages).to_have_count(3)
    assert alice.texts == bob.texts == ["ok"] * 3


@pytest.mark.plan("REGR-05", long=True)
def test_no_kind_of_error_ends_the_polling(alice: ChatPage, bob: ChatPage, look: Look) -> None:
    bad = [
        {"status": 500, "body": "<h1>Internal Server Error</h1>", "content_type": "text/html"},
        {"status": 200, "body": "<h1>Welcome to this network</h1>", "content_type": "text/html"},
        {"status": 200, "json": {"messages": "none"}},
        {"status": 404, "json": {"detail": "There is no such user."}},
    ]

    def answer(route: Route) -> None:
        if bad:
            route.fulfill(**bad.pop(0))
        else:
            route.continue_()

    alice.write_to(bob.name)
    alice.page.route(POLLS, answer)
    alice.expect_service("Service away, trying again")
    look(alice.page, "Alice, while polls fail")
    bob.write_to(alice.name).send("after all that")
    expect(alice.message("after all that")).to_be_visible(timeout=PATIENCE_MS)
    assert bad == []
    alice.expect_service("Up to date")


@pytest.mark.plan("REGR-06", long=True)
def test_too_many_requests_are_not_answered_with_more(alice: ChatPage, look: Look) -> None:
    refusal = {"status": 429, "json": {"detail": "Too many requests."}}
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    first = len(alice.polls)
    alice.page.route(POLLS, lambda route: route.fulfill(headers=headers, **refusal), times=2)
    alice.expect_service("Waiting a moment")
    look(alice.page, "Alice, who was asked to wait")
    for _ in range(3):  # what makes an eager page poll at once
        alice.page.evaluate("window.dispatchEvent(new Event('online'))")
        alice.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    alice.expect_service("Up to date", timeout_ms=PATIENCE_MS)
    polls = [answer for answer in alice.polls[first:] if answer.status == 429]
    assert len(polls) == 2
    gaps = alice.gaps_s(alice.polls.index(polls[0]))[:2]
    assert min(gaps) >= RETRY_AFTER_S - CLOCKS_S, gaps


@pytest.mark.plan("REGR-07")
def test_a_reload_neither_loses_nor_repeats(alice: ChatPage, bob: ChatPage) -> None:
    bob.write_to(alice.name).send("one").send("two")
    expect(alice.page).to_have_title("(2) Chat")
    alice.page.reload()
    bob.send("three")
    expect(alice.page).to_have_title("(3) Chat", timeout=PATIENCE_MS)
    alice.open(bob.name)
    assert alice.texts == ["one", "two", "three"]
    more_polls(alice, 1)
    expect(alice.page).to_have_title("Chat")
