"""The chat page for everyone: keyboard, screen reader, small screens, large zoom, both colour schemes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.edge.browser.chat_page import PASSWORD, ChatPage, new_name
from tests.edge.browser.conftest import NewPage, registered

PHONE = {"viewport": {"width": 320, "height": 568}}
ZOOMED = {"viewport": {"width": 640, "height": 360}}
"""A window of 1280 × 720 at 200 %."""
STILL = {"reduced_motion": "reduce"}
"""So that nothing is judged while it fades in."""
SIZES = [pytest.param(PHONE, id="320 px"), pytest.param(ZOOMED, id="200 %")]
MOST_HEAD_PX = 80
"""Two lines of a name."""
DARK_INK = "rgb(31, 29, 26)"
SENDS = "**/api/users/messages"


def check_with_axe(page: Page) -> None:
    """Fail with axe's own words for each violation, contrast included."""
    # Only here: it reads its script in the encoding of the locale.
    from axe_playwright_python.sync_playwright import Axe

    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def has_no_horizontal_scroll(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def check_targets(page: Page) -> None:
    """Each control is 24 px wide and high (WCAG 2.5.8)."""
    small = page.evaluate(
        "() => [...document.querySelectorAll('button, input, textarea')]"
        ".map(e => [e.id || e.textContent, e.getBoundingClientRect()])"
        ".filter(([, r]) => r.width && (r.width < 24 || r.height < 24)).map(([name]) => name)"
    )
    assert small == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
class TestEveryState:
    @pytest.mark.plan("WINDOW-16")
    def test_signing_in(self, new_page: NewPage, scheme: str) -> None:
        page = new_page(color_scheme=scheme, **STILL)
        check_with_axe(page.page)
        check_targets(page.page)
        page.fill_in(new_name("nobody"), "wrong password")
        page.page.keyboard.press("Enter")
        expect(page.page.locator("#sign-in-error")).not_to_be_empty()
        check_with_axe(page.page)
        page.page.get_by_role("button", name="Create an account").click()
        page.fill_in("a b", "short")
        page.page.keyboard.press("Enter")
        expect(page.page.get_by_text("Use at least 8 characters")).to_be_visible()
        check_with_axe(page.page)

    @pytest.mark.plan("WINDOW-16")
    def test_chatting(self, new_page: NewPage, scheme: str) -> None:
        page = registered(new_page(color_scheme=scheme, **STILL), "carol")
        check_with_axe(page.page)
        other = registered(new_page(), "dave")
        other.write_to(page.name).send("hello").send("مرحبا")
        expect(page.contact(other.name).locator(".badge")).to_have_text("2 not read")
        check_with_axe(page.page)
        page.open(other.name).send("and you?")
        expect(page.state("and you?")).to_have_text("Sent")
        page.composer.fill("x" * 1001)
        check_with_axe(page.page)
        check_targets(page.page)

    @pytest.mark.plan("WINDOW-16")
    def test_trouble(self, new_page: NewPage, scheme: str) -> None:
        page = registered(new_page(color_scheme=scheme, **STILL), "carol")
        page.write_to(page.name)
        refusal = {"detail": "The message was not stored; send it again.", "outcome": "not_stored"}
        page.page.route(SENDS, lambda route: route.fulfill(status=503, json=refusal))
        page.send("not today")
        expect(page.state("not today")).to_have_text("Not sent", timeout=20_000)
        check_with_axe(page.page)
        check_targets(page.page)
        page.page.route("**/poll/**", _degrade)
        page.expect_service("Running on its reserve")
        check_with_axe(page.page)
        page.page.route("**/poll/**", lambda route: route.fulfill(status=503, json={"detail": "Poll again."}))
        page.expect_service("Service away, trying again")
        check_with_axe(page.page)

    @pytest.mark.plan("WINDOW-16")
    def test_waiting(self, new_page: NewPage, scheme: str) -> None:
        page = registered(new_page(color_scheme=scheme, **STILL), "carol")
        page.write_to(page.name)
        for answer, words in REFUSALS:
            page.page.route("**/poll/**", answer)
            page.expect_service(words)
            check_with_axe(page.page)
        page.page.route("**/poll/**", lambda route: route.fulfill(status=401, json={"detail": "expired"}))
        expect(page.page.get_by_text("Your session has ended.")).to_be_visible()
        check_with_axe(page.page)

    @pytest.mark.plan("WINDOW-16")
    def test_a_history_that_cannot_be_read(self, new_page: NewPage, scheme: str) -> None:
        page = registered(new_page(color_scheme=scheme, **STILL), "carol")
        refusal = {"status": 503, "json": {"detail": "Try again later."}}
        page.write_to(page.name).send("before")
        expect(page.state("before")).to_have_text("Sent")
        page.page.route("**/conversation/**", lambda route: route.fulfill(**refusal))
        page.page.reload()
        expect(page.page.get_by_text("Earlier messages cannot be read at the moment.")).to_be_visible()
        check_with_axe(page.page)


REFUSALS = (
    (lambda route: route.abort(), "No connection, trying again"),
    (lambda route: route.fulfill(status=429, json={"detail": "Too many."}), "Waiting a moment"),
)


def _degrade(route: Route) -> None:
    """Answer a poll as a server without Redis does that has dropped messages."""
    response = route.fetch()
    route.fulfill(response=response, json=response.json() | {"degraded": True, "gap": True})


@pytest.mark.parametrize("size", SIZES)
class TestSmallScreens:
    @pytest.mark.plan("WINDOW-17")
    def test_everything_fits_without_scrolling_sideways(self, new_page: NewPage, size: dict) -> None:
        page = new_page(**size)
        assert has_no_horizontal_scroll(page.page)
        page.page.get_by_role("button", name="Create an account").click()
        page.fill_in("a b", "short")
        page.page.keyboard.press("Enter")
        assert has_no_horizontal_scroll(page.page)
        registered(page.visit(), "a" * 55)
        assert has_no_horizontal_scroll(page.page)
        page.write_to(page.name).send("x" * 400).send("a line\nand another")
        head = page.page.locator(".talk-head").bounding_box()
        assert head is not None
        assert head["height"] < MOST_HEAD_PX
        expect(page.messages).to_have_count(2)
        assert has_no_horizontal_scroll(page.page)
        assert page.page.evaluate("scroller.scrollWidth <= scroller.clientWidth")
        expect(page.composer).to_be_in_viewport(ratio=1)
        expect(page.message("a line and another")).to_be_in_viewport()

    @pytest.mark.plan("WINDOW-17")
    def test_one_goes_to_a_conversation_and_back(self, new_page: NewPage, size: dict) -> None:
        page = registered(new_page(**size), "carol")
        expect(page.page.locator("#nothing-open")).to_be_hidden()
        page.write_to(page.name)
        expect(page.contact(page.name)).to_be_hidden()
        page.page.get_by_role("button", name="Back to the conversations").click()
        expect(page.contact(page.name)).to_be_focused()
        expect(page.composer).to_be_hidden()
        page.page.keyboard.press("Enter")
        expect(page.composer).to_be_focused()

    @pytest.mark.plan("WINDOW-17")
    def test_what_comes_while_the_list_is_shown_is_not_read(self, new_page: NewPage, size: dict) -> None:
        page, other = registered(new_page(**size), "carol"), registered(new_page(), "dave")
        page.write_to(other.name)
        page.page.get_by_role("button", name="Back to the conversations").click()
        other.write_to(page.name).send("are you there?")
        expect(page.contact(other.name).locator(".badge")).to_have_text("1 not read")


class TestKeyboard:
    @pytest.mark.plan("WINDOW-18")
    def test_one_registers_writes_and_signs_out_without_a_mouse(self, new_page: NewPage) -> None:
        page = new_page()
        keyboard = page.page.keyboard
        expect(page.page.get_by_label("Username", exact=True)).to_be_focused()
        self.tab_to(page, "Create an account")
        keyboard.press("Enter")
        page.page.get_by_label("Username", exact=True).focus()
        name = new_name("keys")
        keyboard.type(name)
        keyboard.press("Tab")
        keyboard.type(PASSWORD)
        keyboard.press("Enter")
        page.expect_signed_in(name)
        expect(page.page.get_by_label("Write to a username")).to_be_focused()
        keyboard.type(name)
        keyboard.press("Enter")
        page.expect_open(name)
        expect(page.composer).to_be_focused()
        keyboard.type("by hand")
        keyboard.press("Enter")
        expect(page.state("by hand")).to_have_text("Sent")
        expect(page.composer).to_be_focused()
        self.tab_to(page, "Sign out")
        keyboard.press("Enter")
        expect(page.page.get_by_role("heading", name="Sign in")).to_be_visible()

    def tab_to(self, page: ChatPage, name: str) -> None:
        """Press Tab until the button has the focus; each stop on the way shows that it has it."""
        wanted = page.page.get_by_role("button", name=name)
        for _ in range(20):
            page.page.keyboard.press("Tab")
            assert page.page.evaluate(
                "document.activeElement === document.body"
                " || getComputedStyle(document.activeElement).outlineStyle !== 'none'"
            )
            if wanted.evaluate("button => button === document.activeElement"):
                return
        pytest.fail(f"Tab does not reach {name}")

    @pytest.mark.plan("WINDOW-18")
    def test_the_skip_link_leads_to_the_message_field(self, alice: ChatPage) -> None:
        alice.write_to(alice.name)
        link = alice.page.get_by_role("link", name="Skip to the message field")
        link.focus()
        expect(link).to_be_visible()
        alice.page.keyboard.press("Enter")
        expect(alice.composer).to_be_focused()

    @pytest.mark.plan("WINDOW-18")
    def test_a_contact_keeps_the_focus_when_the_list_is_sorted_anew(
        self, alice: ChatPage, bob: ChatPage, new_page: NewPage
    ) -> None:
        carol = registered(new_page(), "carol")
        bob.write_to(alice.name).send("first")
        carol.write_to(alice.name).send("second")
        expect(alice.contact(carol.name)).to_be_visible()
        alice.contact(carol.name).focus()
        bob.send("third")
        expect(alice.page.locator("#contacts button").first).to_have_attribute("data-name", bob.name)
        expect(alice.contact(carol.name)).to_be_focused()


class TestScreenReader:
    @pytest.mark.plan("WINDOW-18")
    def test_new_messages_are_only_added_to_a_log_and_history_is_outside(
        self, alice: ChatPage, bob: ChatPage
    ) -> None:
        bob.write_to(alice.name).send("before")
        alice.open(bob.name)
        log = alice.page.get_by_role("log")
        expect(log).to_have_attribute("aria-live", "polite")
        expect(log).to_have_attribute("aria-relevant", "additions")
        expect(alice.page.get_by_role("group", name="Earlier messages")).to_contain_text("before")
        alice.page.evaluate(
            "window.removed = 0; new MutationObserver(records =>"
            " records.forEach(record => removed += record.removedNodes.length))"
            ".observe(document.getElementById('log'), {childList: true})"
        )
        bob.send("one").send("two")
        expect(log.locator(".message")).to_have_count(2)
        alice.send("three")
        expect(alice.state("three")).to_have_text("Sent")
        assert alice.page.evaluate("removed") == 0

    @pytest.mark.plan("WINDOW-18")
    def test_what_became_of_a_message_is_announced(self, alice: ChatPage) -> None:
        alice.write_to(alice.name).send("hello")
        expect(alice.page.locator("#announcer")).to_have_text("Sent")
        expect(alice.page.locator("#announcer")).to_have_role("status")

    @pytest.mark.plan("WINDOW-18")
    def test_a_message_says_who_wrote_it(self, alice: ChatPage, bob: ChatPage) -> None:
        bob.write_to(alice.name).send("hello")
        alice.open(bob.name).send("hello yourself")
        expect(alice.message("hello").locator(".unseen")).to_have_text(f"{bob.name}: ")
        expect(alice.message("hello").locator("bdi")).to_have_text(bob.name)
        expect(alice.message("hello yourself").locator(".unseen")).to_have_text("You: ")


class TestOnPaper:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_the_whole_conversation_is_printed_dark_on_white_without_what_one_presses(
        self, new_page: NewPage, scheme: str
    ) -> None:
        page = registered(new_page(color_scheme=scheme), "alice")
        page.write_to(page.name)
        for number in range(20):
            page.send(f"no. {number}\n\n\nend")
        expect(page.messages).to_have_count(20)
        page.page.emulate_media(media="print", color_scheme=scheme)
        for pressed in (page.composer, page.page.locator("#sign-out"), page.page.locator("#contacts")):
            expect(pressed).to_be_hidden()
        assert page.page.evaluate("document.documentElement.scrollHeight > 2 * innerHeight")
        assert page.page.evaluate("getComputedStyle(scroller).overflowY") == "visible"
        expect(page.messages.first.locator(".bubble")).to_have_css("color", "rgb(0, 0, 0)")
        expect(page.page.locator("body")).to_have_css("color", DARK_INK)
