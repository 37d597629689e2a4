"""Two people in two browsers, and one person in several, while something breaks between them."""

from __future__ import annotations

import math

import pytest
from playwright.sync_api import expect

from harness.stack.target_process import Target
from tests.edge.browser.chat_page import SENDS, ChatPage
from tests.edge.browser.conftest import InTime, Look, NewPage

PATIENCE_MS = 30_000
"""For what is tried again with growing pauses; a busy machine needs some of it, too."""
WITHIN_MS = 2000
"""The contract's `on-time`."""
CLOCKS_S = 0.1
"""What the browser's times of two requests may be off by."""
ATTEMPTS = 3
"""A machine that is busy can delay one message; a page or a server that is late is late every time."""
NOTE_WHEN_SHOWN = """() => {
  window.shownAt = {};
  const note = () => {
    for (const bubble of document.querySelectorAll('.bubble')) shownAt[bubble.textContent] ??= Date.now();
  };
  new MutationObserver(note).observe(document.body, { subtree: true, childList: true });
}"""


def talking(alice: ChatPage, bob: ChatPage) -> None:
    """Let each have the conversation with the other open."""
    alice.write_to(bob.name)
    bob.write_to(alice.name)


def delay_ms(sender: ChatPage, reader: ChatPage, text: str) -> float:
    """Return how long after the server's answer to the sender the reader's page shows the message."""
    with sender.page.expect_response(SENDS) as answered:
        sender.send(text)
    answered.value.finished()
    timing = answered.value.request.timing
    expect(reader.message(text)).to_be_visible(timeout=PATIENCE_MS)
    shown_at = reader.page.evaluate("text => shownAt[text]", text)
    return float(shown_at - timing["startTime"] - timing["responseEnd"])


def are_in_time(delays_ms: list[float], gaps_s: list[float]) -> bool:
    """Whether a message was shown in time, and a poll followed the one before it in time."""
    return min(delays_ms) <= WITHIN_MS and min(gaps_s) <= WITHIN_MS / 1000 + CLOCKS_S


@pytest.mark.plan("TWO-01", alone=True)
def test_hello_is_shown_within_two_seconds_both_ways(
    alice: ChatPage, bob: ChatPage, look: Look, in_time: InTime
) -> None:
    talking(alice, bob)
    for sender, reader in ((alice, bob), (bob, alice)):
        reader.page.evaluate(NOTE_WHEN_SHOWN)
        first = len(reader.polls)
        with in_time():
            delays, gaps = [math.inf], [math.inf]
            while len(delays) <= ATTEMPTS and not are_in_time(delays, gaps):
                delays.append(delay_ms(sender, reader, f"Hello from {sender.who}, {len(delays)}"))
                gaps = reader.gaps_s(first - 1)
            assert are_in_time(delays, gaps), (delays, gaps)
    assert alice.texts == bob.texts
    assert alice.errors == bob.errors == []
    look(bob.page, "What the other page shows")


@pytest.mark.plan("TWO-04")
def test_a_chat_goes_on_by_itself_after_the_server_was_restarted(
    server: Target, alice: ChatPage, bob: ChatPage, look: Look
) -> None:
    talking(alice, bob)
    alice.send("before")
    expect(bob.message("before")).to_be_visible()
    server.kill()
    try:
        alice.expect_service("No connection, trying again")
        alice.send("meanwhile")
        look(alice.page, "Alice, while the server is away")
    finally:
        server.start()
    for page in (alice, bob):
        page.expect_service("Up to date", timeout_ms=PATIENCE_MS)
    if alice.message("meanwhile").get_by_role("button", name="Try again").is_visible():
        alice.page.get_by_role("button", name="Try again").click()
    expect(alice.state("meanwhile")).to_have_text("Sent", timeout=PATIENCE_MS)
    expect(bob.message("meanwhile")).to_be_visible(timeout=PATIENCE_MS)
    bob.send("after")
    expect(alice.message("after")).to_be_visible(timeout=PATIENCE_MS)
    assert alice.texts == bob.texts == ["before", "meanwhile", "after"]


@pytest.mark.plan("TWO-05")
def test_a_network_that_is_cut_for_one_of_them_loses_and_doubles_nothing(
    alice: ChatPage, bob: ChatPage, look: Look
) -> None:
    talking(alice, bob)
    bob.page.context.set_offline(True)
    bob.expect_service("No connection, trying again")
    for text in ("one", "two", "three"):
        alice.send(text)
        expect(alice.state(text)).to_have_text("Sent")
    alice.expect_service("Up to date")
    look(bob.page, "Bob, without a network")
    bob.page.context.set_offline(False)
    bob.expect_service("Up to date", timeout_ms=PATIENCE_MS)
    expect(bob.message("three")).to_be_visible()
    bob.send("I am back")
    expect(alice.message("I am back")).to_be_visible(timeout=PATIENCE_MS)
    assert alice.texts == bob.texts == ["one", "two", "three", "I am back"]


@pytest.mark.plan("TWO-06")
def test_two_tabs_show_each_message_once_also_after_one_was_closed(alice: ChatPage, bob: ChatPage) -> None:
    tab = ChatPage(alice.page.context.new_page(), alice.base_url).visit().sign_in(alice.name)
    for page in (alice, tab):
        page.write_to(bob.name)
    bob.write_to(alice.name).send("to both")
    for page in (alice, tab):
        expect(page.message("to both")).to_have_count(1)
    alice.page.close()
    bob.send("to the one that is left")
    expect(tab.message("to the one that is left")).to_be_visible(timeout=PATIENCE_MS)
    assert tab.texts == ["to both", "to the one that is left"]
    assert tab.errors == []


@pytest.mark.plan("TWO-07")
def test_two_browsers_of_one_user_show_the_same(alice: ChatPage, bob: ChatPage, new_page: NewPage) -> None:
    elsewhere = new_page().sign_in(bob.name)
    for page in (bob, elsewhere):
        page.write_to(alice.name)
    alice.write_to(bob.name)
    texts = ["one", "two", "two", "three"]
    for text in texts:
        alice.send(text)
    for page in (bob, elsewhere):
        expect(page.messages).to_have_count(len(texts))
        assert page.texts == texts
