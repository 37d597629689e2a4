"""The chat page as a person uses it: fields by their labels, buttons by their names."""

from __future__ import annotations

import itertools
import uuid

from playwright.sync_api import Locator, Page, Response, expect

PASSWORD = "long enough"
SENDS = "**/api/users/messages"


def new_name(start: str) -> str:
    """A username that no other test has."""
    return f"{start}-{uuid.uuid4().hex[:8]}"


class ChatPage:
    """One tab."""

    def __init__(self, page: Page, base_url: str) -> None:
        self.page = page
        self.base_url = base_url
        self.name = ""
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.polls: list[Response] = []
        page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("response", lambda answer: self.polls.append(answer) if "/poll/" in answer.url else None)

    @property
    def who(self) -> str:
        """Whose page it is, for people."""
        return self.name.partition("-")[0].capitalize() or "A page"

    # -- signing in and out

    def visit(self) -> ChatPage:
        self.page.goto(self.base_url)
        return self

    def fill_in(self, username: str, password: str = PASSWORD) -> None:
        self.page.get_by_label("Username", exact=True).fill(username)
        self.page.get_by_label("Password").fill(password)

    def register(self, username: str) -> ChatPage:
        self.page.get_by_role("button", name="Create an account").click()
        self.fill_in(username)
        self.page.get_by_role("button", name="Create account").click()
        return self.expect_signed_in(username)

    def sign_in(self, username: str) -> ChatPage:
        self.fill_in(username)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        return self.expect_signed_in(username)

    def expect_signed_in(self, username: str) -> ChatPage:
        self.name = username
        expect(self.page.locator("#my-name")).to_have_text(username)
        self.expect_service("Up to date")
        return self

    def expect_service(self, words: str, timeout_ms: float = 15_000) -> None:
        """Wait until the page says so of the service."""
        expect(self.page.locator("#service")).to_have_text(words, timeout=timeout_ms)

    def sign_out(self) -> None:
        self.page.get_by_role("button", name="Sign out").click()
        expect(self.page.get_by_role("heading", name="Sign in")).to_be_visible()

    # -- conversations

    def contact(self, name: str) -> Locator:
        return self.page.locator(f'#contacts button[data-name="{name}"]')

    def write_to(self, name: str) -> ChatPage:
        self.page.get_by_label("Write to a username").fill(name)
        self.page.keyboard.press("Enter")
        return self.expect_open(name)

    def open(self, name: str) -> ChatPage:
        self.contact(name).click()
        return self.expect_open(name)

    def expect_open(self, name: str) -> ChatPage:
        expect(self.page.locator("#other-name")).to_have_text(name)
        expect(self.page.get_by_text("Loading…")).to_have_count(0)
        return self

    @property
    def composer(self) -> Locator:
        return self.page.get_by_label("Message", exact=True)

    def send(self, text: str) -> ChatPage:
        self.composer.fill(text)
        self.page.keyboard.press("Enter")
        return self

    @property
    def messages(self) -> Locator:
        """Every message shown, oldest first."""
        return self.page.locator(".message")

    @property
    def texts(self) -> list[str]:
        return self.page.locator(".message .bubble").all_text_contents()

    def gaps_s(self, first: int = 0) -> list[float]:
        """How long after each poll the next one was sent, from the given one on."""
        starts = [answer.request.timing["startTime"] / 1000 for answer in self.polls[first:]]
        return [later - earlier for earlier, later in itertools.pairwise(starts)]

    def message(self, text: str) -> Locator:
        return self.messages.filter(has=self.page.locator(".bubble").get_by_text(text, exact=True))

    def state(self, text: str) -> Locator:
        """What the page says became of a message."""
        return self.message(text).locator(".state")

    def stored(self) -> str:
        """Everything that this origin keeps in the browser."""
        return str(
            self.page.evaluate(
                "async () => JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie,"
                " await indexedDB.databases(), await caches.keys()])"
            )
        )
