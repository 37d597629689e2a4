"""What a person at the chat page sees while something is broken; nothing of theirs is lost or doubled."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from harness.client import Client
from harness.client.variety.variety import Manner
from harness.stack import Services
from harness.stack.target_process import Target
from harness.stack.waiting import wait_until
from tests.edge.browser.chat_page import PASSWORD, ChatPage, new_name
from tests.edge.browser.conftest import Look, NewPage
from tests.edge.server.process import ready, target

SENDS = "**/api/users/messages"
PATIENCE_MS = 20_000
"""For what takes three attempts with growing pauses."""


def deliver_but_cut_the_answer(page: Page) -> list[str]:
    """Let each send reach the server, and no answer the page; return the bodies that were sent."""
    bodies: list[str] = []

    def cut(route: Route) -> None:
        bodies.append(route.request.post_data or "")
        route.fetch()
        route.abort()

    page.route(SENDS, cut)
    return bodies


class TestSending:
    @pytest.mark.plan("WINDOW-04")
    def test_a_retry_after_a_cut_network_does_not_duplicate(self, alice: ChatPage, bob: ChatPage) -> None:
        alice.write_to(bob.name)
        bob.write_to(alice.name)
        attempts = deliver_but_cut_the_answer(alice.page)
        alice.send("once")
        expect(alice.state("once")).to_have_text("Not confirmed", timeout=PATIENCE_MS)
        expect(bob.message("once")).to_be_visible()
        alice.page.unroute(SENDS)
        alice.page.get_by_role("button", name="Try again").click()
        expect(alice.state("once")).to_have_text("Sent")
        assert len(attempts) == 3
        assert len(set(attempts)) == 1
        bob.send("seen")
        expect(alice.message("seen")).to_be_visible()
        assert bob.texts == alice.texts == ["once", "seen"]

    @pytest.mark.plan("WINDOW-04")
    def test_what_arrived_without_an_answer_is_sent_after_a_reload(
        self, alice: ChatPage, bob: ChatPage
    ) -> None:
        alice.write_to(bob.name)
        deliver_but_cut_the_answer(alice.page)
        alice.send("once")
        expect(alice.state("once")).to_have_text("Not confirmed", timeout=PATIENCE_MS)
        alice.page.reload()
        alice.expect_open(bob.name)
        expect(alice.state("once")).to_have_text("Sent")
        assert alice.texts == ["once"]

    @pytest.mark.plan("WINDOW-04")
    def test_what_did_not_leave_can_be_sent_after_a_reload(self, alice: ChatPage, bob: ChatPage) -> None:
        alice.write_to(bob.name)
        alice.page.route(SENDS, lambda route: route.abort())
        alice.send("kept")
        expect(alice.state("kept")).to_have_text("Not confirmed", timeout=PATIENCE_MS)
        alice.page.unroute(SENDS)
        alice.page.reload()
        alice.expect_open(bob.name)
        alice.page.get_by_role("button", name="Try again").click()
        expect(alice.state("kept")).to_have_text("Sent")
        bob.write_to(alice.name)
        assert bob.texts == ["kept"]

    @pytest.mark.plan("WINDOW-04")
    def test_a_discarded_message_is_gone(self, alice: ChatPage, bob: ChatPage) -> None:
        alice.write_to(bob.name)
        alice.page.route(SENDS, lambda route: route.abort())
        alice.send("no matter")
        alice.page.get_by_role("button", name="Discard").click(timeout=PATIENCE_MS)
        expect(alice.messages).to_have_count(0)
        expect(alice.composer).to_be_focused()
        alice.page.reload()
        alice.expect_open(bob.name)
        expect(alice.messages).to_have_count(0)

    @pytest.mark.plan("WINDOW-04")
    def test_messages_keep_their_order_while_the_first_is_tried_again(
        self, alice: ChatPage, bob: ChatPage
    ) -> None:
        alice.write_to(bob.name)
        alice.page.route(SENDS, lambda route: route.abort(), times=1)
        alice.send("first").send("second").send("third")
        expect(alice.state("third")).to_have_text("Sent", timeout=PATIENCE_MS)
        bob.write_to(alice.name)
        assert bob.texts == ["first", "second", "third"]


class TestSession:
    @pytest.mark.plan("WINDOW-09")
    def test_a_session_that_ended_asks_for_the_password_and_keeps_the_draft(
        self, alice: ChatPage, bob: ChatPage
    ) -> None:
        alice.write_to(bob.name)
        alice.composer.fill("half a line")
        alice.page.route("**/poll/**", lambda route: route.fulfill(status=401, json={"detail": "expired"}))
        expect(alice.page.get_by_text("Your session has ended.")).to_be_visible(timeout=PATIENCE_MS)
        alice.page.unroute("**/poll/**")
        expect(alice.page.get_by_label("Username", exact=True)).to_have_value(alice.name)
        alice.sign_in(alice.name).expect_open(bob.name)
        expect(alice.composer).to_have_value("half a line")

    @pytest.mark.plan("TWO-08")
    def test_another_user_at_that_page_finds_nothing(self, alice: ChatPage, bob: ChatPage) -> None:
        alice.write_to(bob.name)
        alice.composer.fill("half a secret")
        alice.page.route("**/poll/**", lambda route: route.fulfill(status=401, json={"detail": "expired"}))
        expect(alice.page.get_by_text("Your session has ended.")).to_be_visible(timeout=PATIENCE_MS)
        alice.page.unroute("**/poll/**")
        first = alice.name
        bob.sign_out()
        alice.sign_in(bob.name)
        assert "secret" not in alice.stored()
        assert first not in alice.stored()


@pytest.mark.usefixtures("heal")
class TestStores:
    @pytest.mark.plan("TWO-02")
    def test_without_redis_the_page_says_so_and_the_chat_goes_on(
        self, services: Services, alice: ChatPage, bob: ChatPage, look: Look
    ) -> None:
        alice.write_to(bob.name)
        bob.write_to(alice.name)
        services.proxies["redis"].disable()
        alice.expect_service("Running on its reserve")
        expect(alice.page.get_by_text("Messages still arrive, perhaps a little slower")).to_be_visible()
        alice.send("the long way round")
        look(alice.page, "Alice, while Redis is out")
        expect(alice.state("the long way round")).to_have_text("Sent, may arrive a little late")
        expect(bob.message("the long way round")).to_be_visible()
        services.proxies["redis"].heal()
        alice.expect_service("Up to date")
        expect(alice.page.locator("#service-banner")).to_be_hidden()

    @pytest.mark.plan("TWO-03")
    def test_without_mongodb_a_message_is_not_sent_and_can_be_tried_again(
        self, services: Services, server: Target, alice: ChatPage, bob: ChatPage, look: Look
    ) -> None:
        alice.write_to(bob.name)
        services.proxies["mongodb"].disable()
        alice.send("patience")
        expect(alice.message("patience")).to_contain_text("Try again", timeout=PATIENCE_MS)
        look(alice.page, "Alice, while MongoDB is out")
        services.proxies["mongodb"].heal()
        alice.expect_service("Up to date")
        wait_until(lambda: ready(server.base_url)["status"] == "ok", deadline_s=10, what="a healthy server")
        alice.page.get_by_role("button", name="Try again").click()
        expect(alice.state("patience")).to_have_text("Sent", timeout=PATIENCE_MS)
        bob.write_to(alice.name)
        assert bob.texts == ["patience"]

    @pytest.mark.plan("TWO-03")
    def test_without_mongodb_new_messages_come_and_the_history_later(
        self, services: Services, alice: ChatPage, bob: ChatPage
    ) -> None:
        bob.write_to(alice.name).send("before")
        expect(alice.contact(bob.name)).to_contain_text("before")
        services.proxies["mongodb"].disable()
        alice.contact(bob.name).click()
        expect(alice.message("before")).to_be_visible()
        expect(alice.page.get_by_text("Earlier messages cannot be read at the moment.")).to_be_visible()
        services.proxies["mongodb"].heal()
        expect(alice.page.get_by_text("This is the beginning.")).to_be_visible(timeout=PATIENCE_MS)
        assert alice.texts == ["before"]

    @pytest.mark.plan("TWO-09")
    def test_without_both_the_service_is_away_and_comes_back(
        self, services: Services, alice: ChatPage, look: Look
    ) -> None:
        for name in ("redis", "mongodb"):
            services.proxies[name].disable()
        alice.expect_service("Service away, trying again")
        look(alice.page, "Alice, while both stores are out")
        for name in ("redis", "mongodb"):
            services.proxies[name].heal()
        expect(alice.page.locator("#service")).to_have_text("Up to date", timeout=40_000)


class TestTheServer:
    def test_a_network_that_is_cut_is_said_and_comes_back(self, alice: ChatPage) -> None:
        alice.page.context.set_offline(True)
        alice.expect_service("No connection, trying again")
        alice.page.context.set_offline(False)
        alice.expect_service("Up to date")

    @pytest.mark.plan("WINDOW-19")
    def test_dropped_messages_are_said_once(
        self, services: Services, new_page: NewPage, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        server = target(services, tmp_path_factory.mktemp("small"), QUEUE_LIMIT="5")
        server.start()
        try:
            reader, sender = new_name("reader"), new_name("sender")
            fill(server, sender, reader)
            page = ChatPage(new_page().page, server.base_url).visit().sign_in(reader)
            banner = page.page.get_by_text("Some messages were dropped before they reached you")
            expect(banner).to_be_visible()
            page.page.get_by_role("button", name="Close").click()
            expect(banner).to_be_hidden()
            # The history has what the mailbox dropped.
            page.open(sender)
            assert page.texts == [f"no. {number}" for number in range(120)][-len(page.texts) :]
            assert len(page.texts) > 5
        finally:
            server.stop()


def fill(server: Target, sender: str, reader: str) -> None:
    """Send 120 messages: more than the longest queue that a server with the smallest limit keeps."""
    there, here = (Client(server.base_url, name, PASSWORD) for name in (reader, sender))
    assert there.register().status == 201
    assert here.register().status == 201
    assert here.sign_in().status == 200
    for number in range(120):
        assert here.send(reader, Manner(f"no. {number}", None)).status == 200
    here.close()
    there.close()
