"""Two people chat in two browsers."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from harness.client import Client
from harness.client.variety.variety import Manner
from harness.stack.target_process import Target
from tests.edge.browser.chat_page import PASSWORD, ChatPage, new_name
from tests.edge.browser.conftest import NewPage, registered

MARKUP = (
    "<script>document.title = 'broken in'</script>",
    "<img src=x onerror=\"document.title = 'broken in'\">",
    "<b>bold</b> & &amp; <!-- -->",
    "javascript:alert(1)",
    "{{7*7}} ${7*7} </textarea></p></div>",
)

INJECTIONS = """() => [
  () => (document.createElement('script').textContent = 'window.broken = true'),
  () => (document.createElement('script').src = 'data:text/javascript,window.broken = true'),
  () => (document.createElement('p').innerHTML = '<img src=x onerror="window.broken = true">'),
  () => document.createElement('img').setAttribute('onerror', 'window.broken = true'),
].map((inject) => {
  try {
    inject();
    return 'accepted';
  } catch (error) {
    return error.message;
  }
})"""
LISTENS = """() => {
  window.heard = new Promise((hear) => (new BroadcastChannel('test').onmessage = () => hear()));
}"""
OPEN_SCRIPT_URL = """() => {
  const link = document.createElement('a');
  link.href = 'javascript:void (window.broken = true)';
  document.body.append(link);
  link.click();
}"""


def fill_mailbox(server: Target, sender: str, reader: str, count: int) -> None:
    """Register the sender and send that many messages."""
    client = Client(server.base_url, sender, PASSWORD)
    assert client.register().status == 201
    assert client.sign_in().status == 200
    for number in range(count):
        assert client.send(reader, Manner(f"no. {number}", None)).status == 200
    client.close()


class TestSigningIn:
    @pytest.mark.plan("WINDOW-01")
    def test_a_new_user_registers_signs_out_and_signs_in_again(self, alice: ChatPage) -> None:
        alice.sign_out()
        alice.sign_in(alice.name)
        assert alice.errors == []

    @pytest.mark.plan("WINDOW-01")
    def test_a_reload_keeps_the_user_signed_in(self, alice: ChatPage) -> None:
        alice.page.reload()
        alice.expect_signed_in(alice.name)

    @pytest.mark.plan("WINDOW-01")
    def test_a_wrong_password_is_said_and_the_field_keeps_the_focus(self, new_page: NewPage) -> None:
        page = new_page()
        page.fill_in(new_name("nobody"), "wrong password")
        page.page.keyboard.press("Enter")
        expect(page.page.get_by_role("alert").first).to_have_text("The username or the password is wrong.")
        expect(page.page.get_by_label("Password")).to_be_focused()

    @pytest.mark.plan("WINDOW-01")
    def test_a_taken_name_is_said_at_its_field(self, new_page: NewPage, alice: ChatPage) -> None:
        page = new_page()
        page.page.get_by_role("button", name="Create an account").click()
        page.fill_in(alice.name)
        page.page.get_by_role("button", name="Create account").click()
        name = page.page.get_by_label("Username", exact=True)
        expect(name).to_have_attribute("aria-invalid", "true")
        expect(name).to_have_accessible_description(
            "This username is taken 3 to 64 letters, digits and _ . @ + -"
        )
        expect(name).to_be_focused()

    @pytest.mark.plan("WINDOW-01")
    def test_a_field_that_breaks_a_rule_is_not_sent(self, new_page: NewPage) -> None:
        page = new_page()
        page.page.get_by_role("button", name="Create an account").click()
        page.fill_in("a b", "short")
        before = len(page.requests)
        page.page.keyboard.press("Enter")
        expect(page.page.get_by_text("Use at least 8 characters")).to_be_visible()
        expect(page.page.get_by_text("Use 3 to 64 letters")).to_be_visible()
        assert len(page.requests) == before

    @pytest.mark.plan("WINDOW-01")
    def test_a_password_can_be_pasted_and_shown(self, new_page: NewPage) -> None:
        page = new_page().page
        page.get_by_label("Username", exact=True).fill("pasted-password")
        page.keyboard.press("Control+A")
        page.keyboard.press("Control+X")
        page.get_by_label("Password").focus()
        page.keyboard.press("Control+V")
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_label("Password")).to_have_value("pasted-password")
        expect(page.get_by_label("Password")).to_have_attribute("type", "text")

    @pytest.mark.plan("WINDOW-02")
    def test_signing_out_forgets_everything_of_the_user(self, alice: ChatPage, bob: ChatPage) -> None:
        alice.write_to(bob.name).send("a secret")
        alice.composer.fill("half a secret")
        assert "secret" in alice.stored()
        alice.sign_out()
        kept = alice.stored()
        assert alice.name not in kept
        assert bob.name not in kept
        assert "secret" not in kept
        alice.page.go_back()
        expect(alice.page.get_by_text("a secret", exact=True)).to_have_count(0)

    @pytest.mark.plan("WINDOW-02")
    def test_the_token_is_in_this_tab_alone(self, alice: ChatPage) -> None:
        kept = json.loads(alice.stored())
        session = json.loads(kept[0]["chat:session"])
        assert session["token"] not in json.dumps(kept[1:])
        other_tab = ChatPage(alice.page.context.new_page(), alice.base_url).visit()
        expect(other_tab.page.get_by_role("heading", name="Sign in")).to_be_visible()


class TestTwoPeople:
    @pytest.mark.plan("TWO-01")
    def test_messages_arrive_both_ways_with_the_next_poll(self, alice: ChatPage, bob: ChatPage) -> None:
        alice.write_to(bob.name)
        bob.write_to(alice.name)
        for sender, reader, text in ((alice, bob, "Hello"), (bob, alice, "Hello yourself")):
            sender.send(text)
            expect(sender.state(text)).to_have_text("Sent")
            polls = len(reader.polls)
            expect(reader.message(text)).to_be_visible()
            # One may have been answered before the message was there; the next one starts within 2 s.
            assert len(reader.polls) <= polls + 2
        assert alice.texts == bob.texts == ["Hello", "Hello yourself"]
        assert alice.errors == bob.errors == []

    @pytest.mark.plan("WINDOW-03")
    def test_the_contact_shows_what_was_not_read(self, alice: ChatPage, bob: ChatPage) -> None:
        alice.write_to(bob.name).send("one").send("two")
        contact = bob.contact(alice.name)
        expect(contact.locator(".badge")).to_have_text("2 not read")
        expect(contact.locator(".contact-line")).to_have_text("two")
        expect(bob.page).to_have_title("(2) Chat")
        bob.open(alice.name)
        expect(contact.locator(".badge")).to_have_count(0)
        expect(bob.page).to_have_title("Chat")
        expect(alice.contact(bob.name).locator(".contact-line")).to_have_text("You: two")

    @pytest.mark.plan("WINDOW-03")
    def test_contacts_and_unread_counts_come_back_after_a_reload(
        self, alice: ChatPage, bob: ChatPage
    ) -> None:
        alice.write_to(bob.name).send("one").send("two")
        expect(bob.contact(alice.name).locator(".badge")).to_have_text("2 not read")
        bob.page.reload()
        bob.expect_signed_in(bob.name)
        expect(bob.contact(alice.name).locator(".badge")).to_have_text("2 not read")

    @pytest.mark.plan("WINDOW-03")
    def test_whom_one_wrote_to_is_listed_in_another_browser(
        self, alice: ChatPage, bob: ChatPage, new_page: NewPage
    ) -> None:
        alice.write_to(bob.name).send("unanswered")
        expect(alice.state("unanswered")).to_have_text("Sent")
        elsewhere = new_page().sign_in(alice.name)
        expect(elsewhere.contact(bob.name).locator(".contact-line")).to_have_text("You: unanswered")

    @pytest.mark.plan("WINDOW-03")
    def test_an_answer_counts_as_having_read(self, alice: ChatPage, bob: ChatPage, new_page: NewPage) -> None:
        alice.write_to(bob.name).send("read this")
        bob.open(alice.name).send("I did")
        expect(bob.state("I did")).to_have_text("Sent")
        elsewhere = new_page().sign_in(bob.name)
        expect(elsewhere.contact(alice.name).locator(".contact-line")).to_have_text("You: I did")
        expect(elsewhere.contact(alice.name).locator(".badge")).to_have_count(0)

    @pytest.mark.plan("WINDOW-03")
    def test_a_note_to_oneself_is_shown_once(self, alice: ChatPage) -> None:
        alice.write_to(alice.name).send("note")
        expect(alice.state("note")).to_have_text("Sent")
        polls = len(alice.polls)
        expect(alice.page.locator("body")).to_be_visible()
        alice.page.wait_for_event("response", predicate=lambda answer: "/poll/" in answer.url)
        assert len(alice.polls) > polls
        assert alice.texts == ["note"]

    @pytest.mark.plan("WINDOW-03")
    def test_an_unknown_user_is_said(self, alice: ChatPage) -> None:
        alice.page.get_by_label("Write to a username").fill("nobody-of-this-name")
        alice.page.keyboard.press("Enter")
        expect(alice.page.locator("#new-chat-error")).to_have_text("There is no user “nobody-of-this-name”.")

    @pytest.mark.plan("TWO-06")
    def test_what_one_tab_sends_is_in_the_others_without_a_request(
        self, alice: ChatPage, bob: ChatPage
    ) -> None:
        tab = ChatPage(alice.page.context.new_page(), alice.base_url).visit().sign_in(alice.name)
        for page in (alice, tab):
            page.write_to(bob.name)
        asked = [url for url in tab.requests if "/conversation" in url]
        alice.send("from the first tab").send("and once more")
        expect(tab.contact(bob.name)).to_contain_text("You: and once more")
        assert tab.texts == ["from the first tab", "and once more"]
        expect(tab.state("and once more")).to_have_text("Sent")
        assert [url for url in tab.requests if "/conversation" in url] == asked
        tab.page.reload()
        tab.expect_open(bob.name)
        expect(tab.messages).to_have_count(2)

    @pytest.mark.plan("TWO-06")
    def test_what_one_tab_sends_is_in_no_tab_of_another_user(self, alice: ChatPage, bob: ChatPage) -> None:
        neighbour = ChatPage(alice.page.context.new_page(), alice.base_url).visit()
        neighbour.register(new_name("carol")).write_to(bob.name)
        neighbour.page.evaluate(LISTENS)
        alice.write_to(bob.name).send("not for carol")
        expect(alice.state("not for carol")).to_have_text("Sent")
        alice.page.evaluate("new BroadcastChannel('test').postMessage('said after it')")
        neighbour.page.evaluate("heard")
        assert "not for carol" not in neighbour.stored()  # the list of contacts is kept there
        neighbour.send("from carol")
        expect(neighbour.state("from carol")).to_have_text("Sent")
        assert neighbour.texts == ["from carol"]

    @pytest.mark.plan("TWO-07")
    def test_what_another_browser_sent_appears_when_the_window_is_focused(
        self, alice: ChatPage, bob: ChatPage, new_page: NewPage
    ) -> None:
        elsewhere = new_page().sign_in(alice.name).write_to(bob.name)
        alice.write_to(bob.name)
        elsewhere.send("from another browser")
        expect(elsewhere.state("from another browser")).to_have_text("Sent")
        assert alice.texts == []
        alice.page.evaluate("window.dispatchEvent(new Event('focus'))")
        expect(alice.message("from another browser")).to_have_count(1)


class TestText:
    @pytest.mark.plan("WINDOW-06")
    def test_markup_is_only_text(self, alice: ChatPage, bob: ChatPage) -> None:
        alice.write_to(bob.name)
        for text in MARKUP:
            alice.send(text)
        bob.write_to(alice.name)
        expect(bob.messages).to_have_count(len(MARKUP))
        assert bob.texts == list(MARKUP)
        expect(bob.contact(alice.name).locator(".contact-line")).to_have_text(MARKUP[-1])
        expect(bob.page).to_have_title("Chat")
        assert bob.page.locator(".bubble *").count() == 0
        assert alice.errors == bob.errors == []

    @pytest.mark.plan("WINDOW-06")
    def test_a_script_that_got_into_the_page_does_not_run(self, alice: ChatPage) -> None:
        """What text never does, a bug could: the content security policy stops it all the same."""
        refusals = alice.page.evaluate(INJECTIONS)
        assert all("requires 'Trusted" in refusal for refusal in refusals), refusals
        alice.page.evaluate(OPEN_SCRIPT_URL)
        alice.page.wait_for_event("response", predicate=lambda answer: "/poll/" in answer.url)
        assert alice.page.evaluate("window.broken") is None
        assert any("Content Security Policy" in error for error in alice.errors)

    @pytest.mark.plan("WINDOW-06")
    def test_lines_spaces_and_long_words_stay_and_fit(self, alice: ChatPage, bob: ChatPage) -> None:
        text = "two  spaces\nand a line\n\n" + "x" * 300
        alice.write_to(bob.name)
        alice.composer.fill(text)
        alice.page.keyboard.press("Enter")
        expect(alice.messages).to_have_count(1)
        assert alice.texts == [text]
        assert alice.page.evaluate("scroller.scrollWidth <= scroller.clientWidth")

    @pytest.mark.plan("WINDOW-06")
    def test_each_message_has_its_own_direction(self, alice: ChatPage, bob: ChatPage) -> None:
        alice.write_to(bob.name).send("مرحبا").send("hello")
        for text, direction in (("مرحبا", "rtl"), ("hello", "ltr")):
            bubble = alice.message(text).locator(".bubble")
            assert bubble.evaluate("bubble => getComputedStyle(bubble).direction") == direction

    @pytest.mark.plan("WINDOW-15")
    def test_every_request_goes_to_this_server(self, alice: ChatPage) -> None:
        assert alice.requests
        assert all(url.startswith(alice.base_url) for url in alice.requests)


class TestNormalUse:
    @pytest.mark.plan("WINDOW-15")
    def test_nothing_is_complained_of_in_the_console(self, alice: ChatPage, bob: ChatPage) -> None:
        warnings: list[str] = []
        alice.page.on("console", lambda line: warnings.append(line.text) if line.type == "warning" else None)
        alice.write_to(bob.name).send("hello")
        bob.open(alice.name).send("hello yourself")
        expect(alice.message("hello yourself")).to_be_visible()
        alice.composer.fill("a draft")
        alice.page.reload()
        alice.expect_open(bob.name)
        alice.write_to(alice.name).send("a note")
        expect(alice.state("a note")).to_have_text("Sent")
        alice.sign_out()
        alice.sign_in(alice.name).open(bob.name)
        alice.page.evaluate("scroller.scrollTop = 0")
        expect(alice.page.get_by_text("This is the beginning.")).to_be_visible()
        assert alice.errors == bob.errors == warnings == []


class TestComposer:
    @pytest.mark.plan("WINDOW-05")
    def test_enter_sends_and_shift_enter_breaks_the_line(self, alice: ChatPage, bob: ChatPage) -> None:
        alice.write_to(bob.name)
        alice.composer.press_sequentially("one")
        alice.page.keyboard.press("Shift+Enter")
        alice.composer.press_sequentially("two")
        alice.page.keyboard.press("Enter")
        expect(alice.messages).to_have_count(1)
        assert alice.texts == ["one\ntwo"]
        expect(alice.composer).to_be_focused()
        expect(alice.composer).to_have_value("")

    @pytest.mark.plan("WINDOW-05")
    @pytest.mark.parametrize("init", ["{isComposing: true}", "{keyCode: 229}"])
    def test_enter_of_an_input_method_sends_nothing(self, alice: ChatPage, bob: ChatPage, init: str) -> None:
        alice.write_to(bob.name)
        alice.composer.fill("にほん")
        is_left_alone = alice.composer.evaluate(
            "(field, init) => field.dispatchEvent(new KeyboardEvent('keydown',"
            " {key: 'Enter', bubbles: true, cancelable: true, ...init}))",
            {"isComposing": True} if "isComposing" in init else {"keyCode": 229},
        )
        assert is_left_alone
        expect(alice.composer).to_have_value("にほん")
        expect(alice.messages).to_have_count(0)

    @pytest.mark.plan("WINDOW-05")
    def test_a_draft_is_kept_for_each_conversation_and_over_a_reload(
        self, alice: ChatPage, bob: ChatPage, new_page: NewPage
    ) -> None:
        carol = registered(new_page(), "carol")
        alice.write_to(bob.name)
        alice.composer.fill("half a line")
        alice.write_to(carol.name)
        expect(alice.composer).to_have_value("")
        alice.page.reload()
        alice.expect_signed_in(alice.name)
        alice.write_to(bob.name)
        expect(alice.composer).to_have_value("half a line")

    @pytest.mark.plan("WINDOW-05")
    def test_a_message_that_is_too_long_is_not_sent(self, alice: ChatPage, bob: ChatPage) -> None:
        alice.write_to(bob.name).send("x" * 1001)
        expect(alice.page.get_by_role("status").filter(has_text="1 too many")).to_be_attached()
        expect(alice.messages).to_have_count(0)
        alice.send("𝔵" * 1000)
        expect(alice.state("𝔵" * 1000)).to_have_text("Sent")

    @pytest.mark.plan("WINDOW-05")
    def test_blanks_are_not_sent(self, alice: ChatPage, bob: ChatPage) -> None:
        alice.write_to(bob.name).send(" \n ")
        expect(alice.messages).to_have_count(0)


class TestHistory:
    @pytest.mark.plan("WINDOW-07")
    def test_it_loads_backwards_while_one_scrolls(self, alice: ChatPage, server: Target) -> None:
        sender = new_name("sender")
        fill_mailbox(server, sender, alice.name, 130)
        alice.open(sender)
        expect(alice.message("no. 129")).to_be_in_viewport()
        everything = [f"no. {number}" for number in range(130)]
        while not alice.page.get_by_text("This is the beginning.").is_visible():
            top = alice.messages.first.text_content()
            alice.page.evaluate("scroller.scrollTop = 0")
            expect(alice.messages.first).not_to_have_text(top or "")
        assert alice.texts == everything

    @pytest.mark.plan("WINDOW-07")
    def test_what_one_reads_stays_where_it_is(self, alice: ChatPage, server: Target) -> None:
        sender = new_name("sender")
        fill_mailbox(server, sender, alice.name, 80)
        alice.open(sender)
        first = alice.messages.first.text_content() or ""
        shown = alice.messages.filter(has_text=first)
        alice.page.evaluate("scroller.scrollTop = 0")
        expect(alice.message("no. 0")).to_be_attached()
        expect(shown).to_be_in_viewport()

    @pytest.mark.plan("WINDOW-07")
    def test_a_message_that_comes_meanwhile_is_announced_by_a_button(
        self, alice: ChatPage, server: Target, bob: ChatPage
    ) -> None:
        sender = new_name("sender")
        fill_mailbox(server, sender, alice.name, 60)
        alice.open(sender)
        alice.page.evaluate("scroller.scrollTop = 0")
        client = Client(server.base_url, sender, PASSWORD)
        client.sign_in()
        client.send(alice.name, Manner("news", None))
        client.close()
        alice.page.get_by_role("button", name="New messages").click()
        expect(alice.message("news")).to_be_in_viewport()
        expect(alice.contact(sender).locator(".badge")).to_have_count(0)
