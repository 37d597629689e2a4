"""The report in a browser: on any screen, on paper, by keyboard, without scripts and without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from harness.reports.comparison import compare
from harness.reports.comparison_html import comparison_html
from harness.reports.fate_plot import Place
from harness.reports.html import render_html
from harness.reports.record import FaultBand, Repeat, RowResult, RunRecord, Timeline
from harness.verdict import Finding, Judgement, Verdict
from tests.edge.browser.test_chat_page_access import check_with_axe

EVIL = "</script><img src=x onerror=alert(1)> \u202eעברית 🙂 " + "x" * 300
SEND = {
    "kind": "send",
    "row": "A-01",
    "t": 10**9,
    "op": 1,
    "sender": "alice",
    "recipient": EVIL,
    "content": EVIL,
}
SENT = {"kind": "sent", "row": "A-01", "t": 2 * 10**9, "op": 1, "outcome": "ok", "status": 200, "id": "m1"}
EVENTS = (SEND, SENT)
SCREENS = [
    {"color_scheme": "light", "viewport": {"width": 1100, "height": 900}},
    {"color_scheme": "dark", "viewport": {"width": 1100, "height": 900}},
    {"color_scheme": "light", "viewport": {"width": 360, "height": 740}, "reduced_motion": "reduce"},
    {"color_scheme": "dark", "viewport": {"width": 360, "height": 740}, "java_script_enabled": False},
]


def run_of(verdict: Verdict) -> RunRecord:
    """A run whose every text is as long and as strange as can be."""
    found = Finding("no-loss", "not_stored", EVIL, EVENTS, "an emptied Redis")
    findings = (found, found) if verdict is Verdict.FAIL else ()
    evidence = {"acked": 3, "findings": {"not_stored": 41}, EVIL: {"n": 1}}
    judged = Judgement("no-loss", verdict, EVIL if findings else "", findings, evidence)
    fates = "dddrncxl2u" * 12
    at_s = [number / 10 for number in range(len(fates))]
    faults = (FaultBand("redis_refused", 2.0, 5.0), FaultBand(EVIL, 7.0, None))
    timeline = Timeline(0.0, 12.0, at_s, [0.5] * len(fates), fates, faults, [1] * len(fates))
    row = RowResult(
        "A-01",
        EVIL,
        "message-flow",
        verdict,
        1.0,
        reason=EVIL if findings else "",
        judgements=(judged,),
        latencies_s=[0.1, 0.9, 2.5],
        timelines=(timeline,),
        repeats={"no-loss": Repeat(script=f"curl {EVIL}\n" * 30)},
        screenshots={f"screenshots/{EVIL}.webp": EVIL},
    )
    empty = RowResult("A-02", "Nothing was sent", "errors", Verdict.INCONCLUSIVE, 0.0, reason="no traffic")
    return RunRecord(
        verdict,
        1,
        0,
        "2026-03-29T00:59:59+00:00",
        9.0,
        (row, empty),
        {"redis": {"version": EVIL, "origin": EVIL}},
        EVIL,
        asked=f"python -m harness run --target '{EVIL}'",
        command="python -m harness run",
        sentences={"no-loss": "every message arrives"},
    )


def events_of(_: Place) -> tuple[dict[str, Any], ...]:
    return EVENTS


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("a report") / "report.html"
    path.write_text(render_html(run_of(Verdict.FAIL), events_of=events_of), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("a comparison") / "comparison.html"
    page = comparison_html(compare(run_of(Verdict.PASS), run_of(Verdict.FAIL)))
    path.write_text(page, encoding="utf-8")
    return path


@pytest.fixture(params=SCREENS, ids=["light", "dark", "phone", "dark phone without scripts"])
def screen(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that fails the test where something is loaded, run, or goes wrong."""
    context = chromium.new_context(**request.param)
    page, wrong = context.new_page(), list[str]()
    page.on("dialog", lambda dialog: wrong.append(f"a dialog: {dialog.message}"))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda made: wrong.append(made.url) if not made.url.startswith("file:") else None)
    yield page
    context.close()
    assert wrong == []


@pytest.mark.parametrize("name", ["report", "comparison"])
def test_it_is_read_on_every_screen(screen: Page, name: str, request: pytest.FixtureRequest) -> None:
    screen.goto(request.getfixturevalue(name).as_uri())
    widths = screen.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1], "something is wider than the screen"
    assert screen.evaluate("document.getAnimations().length") == 0
    for details in screen.locator("details").all():
        details.evaluate("(it) => { it.open = true }")
    assert screen.evaluate("document.documentElement.scrollWidth") <= widths[1], "something folded is wider"


@pytest.mark.parametrize("name", ["report", "comparison"])
def test_it_is_accessible(chromium: Browser, name: str, request: pytest.FixtureRequest) -> None:
    for screen in SCREENS[:3]:
        context = chromium.new_context(**screen)
        page = context.new_page()
        page.goto(request.getfixturevalue(name).as_uri())
        check_with_axe(page)
        for details in page.locator("details").all():
            details.evaluate("(it) => { it.open = true }")
        check_with_axe(page)
        if name == "report":
            page.goto(f"{page.url}#m-A-01-0-6")
            check_with_axe(page)
        context.close()


def test_a_click_on_a_message_shows_its_events_and_leads_to_the_next(screen: Page, report: Path) -> None:
    screen.goto(report.as_uri())
    shown = screen.locator(".messages article:visible")
    expect(shown).to_have_count(0)
    mark = screen.locator("figure.fates").first.locator("svg > a[href='#m-A-01-0-6']")
    mark.scroll_into_view_if_needed()
    before = screen.evaluate("scrollY")
    box = mark.bounding_box()
    assert box is not None
    screen.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(shown).to_have_count(1)
    expect(shown).to_contain_text("lost")
    expect(shown).to_contain_text("send to </script>")
    assert screen.evaluate("scrollY") == before, "the plot stays where it is"
    shown.get_by_role("link", name="next ›").click()
    expect(screen).to_have_url(f"{report.as_uri()}#m-A-01-0-16")
    shown.get_by_role("link", name="close ×").click()
    expect(shown).to_have_count(0)


def test_the_keyboard_opens_the_messages_of_a_fate(screen: Page, report: Path) -> None:
    screen.goto(report.as_uri())
    link = screen.locator("figure.fates").first.get_by_role("link", name="12 lost")
    link.focus()
    screen.keyboard.press("Enter")
    shown = screen.locator(".messages article:visible")
    expect(shown).to_be_focused()
    expect(shown).to_contain_text("alice → server")


def test_the_printed_report_is_light_and_has_nothing_that_is_folded(chromium: Browser, report: Path) -> None:
    context = chromium.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(report.as_uri())
    page.emulate_media(media="print")
    ground = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ink').trim()")
    assert ground == "#1d2126", "paper is white"
    expect(page.locator(".story pre", has_text="curl")).to_be_hidden()
    expect(page.locator(".story .diagram")).to_be_visible()
    expect(page.get_by_text("Numbers: bounds and values")).to_be_hidden()
    expect(page.locator(".messages article:visible")).to_have_count(0)
    assert page.pdf(format="A4").startswith(b"%PDF")
    context.close()
