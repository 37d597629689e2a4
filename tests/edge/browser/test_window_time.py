"""The chat page when time does not pass as usual: a hidden tab, a laptop that sleeps, a chat that stays open.

The page's timers and clocks are ours; the server, its answers and the network are real.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.edge.browser.conftest import Look, NewPage, registered

TEN_MINUTES_MS = 600_000
EIGHT_HOURS_S = 8 * 3600
POLLS = "**/poll/**"
SET_HIDDEN = """(hidden) => {
  for (const [name, value] of [['hidden', hidden], ['visibilityState', hidden ? 'hidden' : 'visible']])
    Object.defineProperty(document, name, { configurable: true, get: () => value });
  document.dispatchEvent(new Event('visibilitychange'));
}"""
OWN_TIME = """(() => {
  // Timers and clocks that go on only in `passes`; requests are real, and are waited for at each step.
  const wall = Date.now();
  let now = performance.now(), last = 0;
  const timers = new Map(), requests = new Set();
  performance.now = () => now;
  Date.now = () => Math.round(wall + now);
  window.setTimeout = (run, ms = 0) => (timers.set(++last, { at: now + Math.max(ms, 0), run }), last);
  window.clearTimeout = (id) => void timers.delete(id);
  const { fetch } = window;
  window.fetch = (...words) => {
    const request = fetch(...words);
    const read = request.then((answer) => answer.clone().text()).finally(() => requests.delete(read));
    requests.add(read);
    return request;
  };
  const { port1, port2 } = new MessageChannel();
  const turn = () => new Promise((resolve) => ((port1.onmessage = resolve), port2.postMessage(null)));
  const settled = async () => {
    do {
      await Promise.allSettled(requests);
      for (let turns = 0; turns < 5; turns += 1) await turn(); // the page reads it, and sets its next timer
    } while (requests.size);
  };
  window.passes = async (ms) => {
    const end = now + ms;
    for (;;) {
      await settled();
      const [id, next] = [...timers].reduce((a, b) => (b[1].at < a[1].at ? b : a), [0, { at: Infinity }]);
      if (next.at > end) break;
      timers.delete(id);
      now = Math.max(now, next.at);
      next.run();
    }
    now = end;
  };
  // Signing in goes on as usual: the page's own time begins when the test says so.
  window.realTime = setInterval(() => (now += 50, passes(0)), 50);
})()"""
WARM_UP_MS = 10 * 60_000
REST_OF_AN_HOUR_MS = 50 * 60_000
HEAP_GROWTH_BYTES = 200_000
"""In 1,500 polls: about 130 bytes for each."""


def hidden(page: Page) -> Callable[[bool], None]:
    return lambda value: page.evaluate(SET_HIDDEN, value)


@pytest.mark.plan("WINDOW-12")
def test_a_page_hidden_for_ten_minutes_shows_all_when_it_is_seen_again(new_page: NewPage, look: Look) -> None:
    page = new_page()
    page.page.clock.install()
    page.visit()
    alice, bob = registered(page, "alice"), registered(new_page(), "bob")
    alice.write_to(bob.name)
    bob.write_to(alice.name)
    hide = hidden(alice.page)
    with alice.page.expect_request(lambda request: "wait=" in request.url):
        hide(True)
    # Chrome runs a hidden page's timers once a minute. Here they do not run at all.
    alice.page.clock.pause_at(alice.page.evaluate("(Date.now() + 1000) / 1000"))
    for text in ("one", "two"):
        bob.send(text)
        expect(alice.message(text)).to_be_attached()
    expect(alice.page).to_have_title("(2) Chat")
    look(alice.page, "What the hidden page would show")
    alice.page.clock.fast_forward(TEN_MINUTES_MS)
    bob.send("three")
    expect(alice.message("three")).to_be_attached()
    hide(False)
    alice.page.clock.resume()
    alice.expect_service("Up to date")
    expect(alice.page).to_have_title("Chat")
    assert alice.texts == ["one", "two", "three"]
    assert alice.errors == []


@pytest.mark.plan("WINDOW-13")
def test_a_laptop_that_slept_shows_what_came_meanwhile_at_once(new_page: NewPage, look: Look) -> None:
    page = new_page()
    page.page.add_init_script("Math.random = () => 0.999")  # a failed poll is tried again as late as can be
    page.page.clock.install()
    page.visit()
    alice, bob = registered(page, "alice"), registered(new_page(), "bob")
    alice.write_to(bob.name)
    bob.write_to(alice.name)
    alice.page.route(POLLS, lambda route: route.abort())  # while it falls asleep, nothing answers
    for _ in range(3):
        alice.page.wait_for_event("requestfailed", predicate=lambda request: "/poll/" in request.url)
        alice.page.clock.fast_forward(20_000)
    alice.expect_service("No connection, trying again")
    alice.page.clock.pause_at(alice.page.evaluate("(Date.now() + 1000) / 1000"))
    bob.send("good night")
    expect(bob.state("good night")).to_have_text("Sent")
    alice.page.unroute(POLLS)
    # The wall clock went on in sleep; timers did not. The page's next tick, within a second, must notice.
    alice.page.clock.set_system_time(alice.page.evaluate("Date.now() / 1000") + EIGHT_HOURS_S)
    alice.page.clock.run_for(1100)
    expect(alice.message("good night")).to_be_visible()
    look(alice.page, "Alice, right after eight hours of sleep")
    alice.page.clock.resume()
    alice.expect_service("Up to date")
    bob.send("good morning")
    expect(alice.message("good morning")).to_be_visible()
    assert alice.texts == ["good night", "good morning"]


class Memory:
    """What a page keeps, after its garbage was collected."""

    def __init__(self, session: CDPSession) -> None:
        session.send("HeapProfiler.enable")
        for _ in range(3):  # one collection may only make the next one possible
            session.send("HeapProfiler.collectGarbage")
        self.heap_bytes = session.send("Runtime.getHeapUsage")["usedSize"]
        counts = session.send("Memory.getDOMCounters")
        self.nodes, self.listeners = counts["nodes"], counts["jsEventListeners"]


@pytest.mark.plan("WINDOW-14", long=True)
@pytest.mark.timeout(180)
def test_an_hour_leaves_no_heap_nodes_or_listeners_behind(new_page: NewPage) -> None:
    page = new_page()
    page.page.add_init_script(OWN_TIME)
    page.visit()
    alice, bob = registered(page, "alice"), registered(new_page(), "bob")
    alice.write_to(bob.name)
    bob.write_to(alice.name).send("hello")
    session = alice.page.context.new_cdp_session(alice.page)
    alice.page.evaluate("clearInterval(realTime)")
    alice.page.evaluate("ms => passes(ms)", WARM_UP_MS)
    expect(alice.message("hello")).to_be_visible()
    before, polls = Memory(session), len(alice.polls)
    alice.page.evaluate("ms => passes(ms)", REST_OF_AN_HOUR_MS)
    after = Memory(session)
    assert len(alice.polls) - polls >= 0.95 * REST_OF_AN_HOUR_MS / 2000
    assert after.nodes <= before.nodes
    assert after.listeners <= before.listeners
    assert after.heap_bytes - before.heap_bytes <= HEAP_GROWTH_BYTES
    assert alice.texts == ["hello"]
    assert alice.errors == []
