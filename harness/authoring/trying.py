"""One message through a server: register, sign in, send, poll, poll again, and read the conversation."""

from __future__ import annotations

import secrets
from collections.abc import Generator, Iterator

from harness.adapters import Page, Said
from harness.adapters.accounts import Accounts
from harness.authoring.statuses import Problem
from harness.authoring.steps import Asking, Step, User
from harness.client.variety.names import usual_name
from harness.errors import DeadlineMissed, InfrastructureError, NotHere, UsageError
from harness.stack.waiting import wait_until
from harness.targets.profile import Profile

PASSWORD = "correct horse battery staple"
CONTENTS = ("The first message", "The second message")
_ABSENT = (
    "The message {content!r} was not read within {within_s:g} s: see `wire.poll.path`, which names the"
    " mailbox, and `wire.message.content`."
)
_SKIPPED = (
    "The message {content!r} was not read within {within_s:g} s from the cursor {since}: see"
    " `wire.poll.since` and `wire.poll.next_since`. If they are right, the server skips the message,"
    " which is what `run` judges."
)
_REPEATED = (
    "A poll from the cursor {since} brings the message again. If the server does so on purpose, write"
    ' `boundary = "inclusive"` under [semantics]; if not, see `wire.poll.since`, which names the cursor.'
)
_OTHER_ORDER = {"oldest_first": "newest_first", "newest_first": "oldest_first"}
_REVERSED = 'The order of a page is the opposite: write `page_order = "{order}"` under [semantics].'


class Trial:
    """A trial of a profile against the server that serves at `url`. The caller closes it."""

    def __init__(self, profile: Profile, url: str) -> None:
        self.problems: list[Problem] = []
        self._profile = profile
        self._asking = Asking(profile, url)
        self._accounts = Accounts(profile.wire.user_list)

    def steps(self) -> Iterator[Step]:
        """Yield each step when it is done; behind one with a problem that later ones need, there are none."""
        for step in self._steps():
            self.problems += step.problems
            yield step

    def shown(self, text: str) -> str:
        """Return a text without the secrets of the profile."""
        return self._asking.masks.text(text)

    def close(self) -> None:
        """Close the idle connections."""
        self._asking.close()

    def _steps(self) -> Iterator[Step]:
        if self._profile.url:
            yield self._ready()
            if any(problem.exit_code == InfrastructureError.exit_code for problem in self.problems):
                return
        alice, bob = self._user("alice", 0), self._user("bob", 1)
        for user in (alice, bob):
            is_in = yield from self._enter(user)
            if not is_in:
                return
        yield from self._talk(alice, bob)

    def _ready(self) -> Step:
        step, answer = self._asking.get("ready", self._profile.ready_path)
        if answer.status is None:
            sentence = f"The server does not answer: {answer.error}."
            step.problems.append(Problem(sentence, InfrastructureError.exit_code))
        elif answer.status != 200:
            sentence = f"`ready_path` must name a path that answers 200, and it answered {answer.status}."
            step.problems.append(Problem(sentence))
        return step

    def _user(self, who: str, place: int) -> User:
        name, password = usual_name(place), PASSWORD
        if self._profile.wire.users == "list":
            name, password = self._listed(name)
            self._asking.masks.add(password, f"{who.upper()}_PASSWORD")
        return self._asking.user(who, name, password)

    def _listed(self, name: str) -> tuple[str, str]:
        try:
            return self._accounts.take(name)
        except NotHere:
            raise UsageError("A trial needs two users, and `wire.user_list` has one.") from None

    def _enter(self, user: User) -> Generator[Step, None, bool]:
        """Register a user and sign him in; return whether that succeeded."""
        if user.adapter.registers:
            step, result = self._asking.step("register", user, "register")
            yield step
            if _has_failed(step, result):
                return False
        if user.adapter.signs_in:
            step, result = self._asking.step("sign in", user, "sign_in")
            yield step
            return not _has_failed(step, result)
        return True

    def _talk(self, alice: User, bob: User) -> Iterator[Step]:
        sent, ack = self._send(alice, bob, CONTENTS[0])
        yield sent
        if _has_failed(sent, ack):
            yield self._asking.step("poll", bob, "poll", None, None, 0.0)[0]
            return
        first, page = self._poll(bob, None, "poll", CONTENTS[0])
        yield first
        if not first.problems and page is not None:
            yield from self._poll_again(alice, bob, page)
        if not self._profile.adapter and self._profile.wire.history.path:
            yield self._asking.step("history", bob, "history", alice.name)[0]

    def _send(self, sender: User, recipient: User, content: str) -> tuple[Step, Said | None]:
        own_id = secrets.token_hex(8)
        return self._asking.step("send", sender, "send", recipient.name, content, own_id)

    def _poll_again(self, alice: User, bob: User, page: Page) -> Iterator[Step]:
        """Poll with nothing new, then with one more message, then from the start."""
        again, nothing_new = self._asking.step("poll again", bob, "poll", page.next_since, None, 0.0)
        is_inclusive = self._profile.semantics.boundary == "inclusive"
        if CONTENTS[0] in _contents(nothing_new) and not is_inclusive and not again.problems:
            again.problems.append(Problem(_REPEATED.format(since=page.next_since)))
        yield again
        if again.problems:
            return
        sent, _ = self._send(alice, bob, CONTENTS[1])
        yield sent
        if sent.problems:
            return
        yield self._poll(bob, page.next_since, "poll again", CONTENTS[1])[0]
        if not self._profile.semantics.is_destructive:
            yield self._from_the_start(bob)

    def _from_the_start(self, bob: User) -> Step:
        step, page = self._poll(bob, None, "poll from the start", CONTENTS[1])
        found = [message for message in (page.messages if page else ()) if message.content in CONTENTS]
        stamps = {message.timestamp for message in found}
        is_certain = len(stamps) > 1 or stamps == {None}  # of one time, any order can be right
        if is_certain and [message.content for message in found] == list(reversed(CONTENTS)):
            other = _OTHER_ORDER[self._profile.semantics.page_order]
            step.problems.append(Problem(_REVERSED.format(order=other)))
        return step

    def _poll(self, user: User, since: str | None, title: str, content: str) -> tuple[Step, Page | None]:
        """Poll until a message is read, or a page is not; return the last step and its page."""
        polling = _Polling(self._asking, user, since, title, content)
        within_s = self._profile.bounds.delivered_within_s
        try:
            wait_until(polling.has_ended, deadline_s=within_s, what="the message", retry_on=())
        except DeadlineMissed:
            said = _ABSENT if since is None else _SKIPPED
            sentence = said.format(content=content, within_s=within_s, since=since)
            if content == CONTENTS[0]:
                polling.step.problems.append(Problem(sentence))
            else:  # perhaps the server's fault, which a run judges
                polling.step.notes.append(sentence)
        return polling.step, polling.page


class _Polling:
    """Polls, from one cursor to the next, for a message."""

    def __init__(self, asking: Asking, user: User, since: str | None, title: str, content: str) -> None:
        self._asking, self._user, self._title, self._content = asking, user, title, content
        self._since = since
        self.step = Step(title)
        self.page: Page | None = None

    def has_ended(self) -> bool:
        """Poll once more; return whether that brought the message, or failed."""
        self.step, result = self._asking.step(self._title, self._user, "poll", self._since, None, 0.0)
        self.page = result if isinstance(result, Page) else None
        if self.page is not None and self.page.messages:
            self._since = self.page.next_since
        return bool(self.step.problems) or self.page is None or self._content in _contents(self.page)


def _has_failed(step: Step, result: Said | None) -> bool:
    """Return whether a step has a problem that keeps the next ones from being taken."""
    return bool(step.problems) and result is None


def _contents(page: object) -> list[str]:
    return [message.content for message in page.messages] if isinstance(page, Page) else []
