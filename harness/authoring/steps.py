"""One step of a trial: a request or a call, what came back, and what was read out of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replaced

from msgspec.structs import replace

from harness.adapters import Ack, Adapter, Failed, Page, Said, Session, Site
from harness.adapters.http import Http, Request
from harness.adapters.over_http import HttpAdapter
from harness.adapters.results import Answer
from harness.adapters.wire import Success, Wire
from harness.authoring.curl import curl
from harness.authoring.masks import Masks
from harness.authoring.misfits import body_problem, missing, unread
from harness.authoring.statuses import Exchange, Problem, status_problem
from harness.errors import InfrastructureError, UsageError
from harness.secrecy import secrets_known
from harness.targets.profile import Profile

TIMEOUT_S = 5.0
LONGEST_ANSWER = 300
"""Characters of an answer that are shown."""
MOST_MESSAGES = 3
"""Of a page that are shown."""
ANY_SUCCESS = Success(range(200, 300))


@dataclass
class Step:
    """`asked` is a command line or a call, `read` what its answer says.

    `notes` are about what need not be there, `problems` about what must.
    """

    title: str
    asked: str = ""
    answered: str = ""
    read: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class User:
    """One of the two users; `who` is what the trial calls him."""

    who: str
    adapter: Adapter

    @property
    def name(self) -> str:
        """His name at the server."""
        return self.adapter.username


class Asking:
    """Asks the server at `url` as the profile says, and explains each answer. Not for threads."""

    def __init__(self, profile: Profile, url: str) -> None:
        self.masks = Masks()
        for value, name in secrets_known().items():
            self.masks.add(value, name)
        self.url = url
        self._profile = profile
        self._http = Http([url], timeout_s=TIMEOUT_S)
        self._last: Exchange | None = None
        self._noted: set[str] = set()

    def user(self, who: str, name: str, password: str) -> User:
        """Return a user of the server; any status from 200 to 299 counts as success, to get further."""
        site = Site([self.url])
        if self._profile.adapter:
            return User(who, self._profile.new_adapter()(site, name, password))
        codec = replace(self._profile, wire=_lenient(self._profile.wire)).codec()
        return User(who, HttpAdapter(site, name, password, codec=codec, transport=self._make))

    def step(self, title: str, user: User, method: str, *arguments: object) -> tuple[Step, Said | None]:
        """Call a method of the user's adapter; return the step, and what the method returned."""
        step, result, self._last = Step(f"{title} ({user.who})"), None, None
        try:
            result = getattr(user.adapter, method)(*arguments)
        except Exception as error:  # noqa: BLE001  an adapter may raise anything: it is shown
            step.problems.append(_problem_of(error))
        self._hide_token(user)
        if self._last is not None:
            self._explain(step, method, self._last)
        else:
            step.asked = self.masks.text(self._shown_call(user, method, arguments))
        step.read = [self.masks.text(each) for each in read_out_of(result)]
        step.problems = [replaced(each, sentence=self.masks.text(each.sentence)) for each in step.problems]
        return step, result

    def get(self, title: str, path: str) -> tuple[Step, Answer]:
        """GET a path without a user; return the step and the answer."""
        answer = self._make(request := Request("GET", path))
        shown = self.masks.text(shortened(answer))
        return Step(title, curl(request, self.url, self.masks), shown), answer

    def close(self) -> None:
        """Close the idle connections."""
        self._http.close()

    def _make(self, request: Request) -> Answer:
        answer = self._http(request)
        self._last = Exchange(request, answer)
        return answer

    def _hide_token(self, user: User) -> None:
        token = getattr(user.adapter, "token", None)
        if isinstance(token, str):
            self.masks.add(token, f"{user.who.upper()}_TOKEN")
            self.masks.add(token.partition("=")[2], f"{user.who.upper()}_COOKIE")

    def _explain(self, step: Step, operation: str, exchange: Exchange) -> None:
        """Say what was asked and answered, and where it does not fit the profile."""
        step.asked = curl(exchange.request, self.url, self.masks)
        step.answered = self.masks.text(shortened(exchange.answer))
        if found := list(self._misfits(operation, exchange)):
            step.problems = found
        is_success = exchange.answer.status in ANY_SUCCESS
        notes = unread(self._profile.wire, operation, exchange.answer) if is_success else ()
        step.notes = [note for note in notes if note not in self._noted]
        self._noted.update(step.notes)

    def _misfits(self, operation: str, exchange: Exchange) -> Iterator[Problem]:
        wire, answer = self._profile.wire, exchange.answer
        problem = status_problem(wire, operation, exchange)
        if problem is not None:
            yield problem
        is_empty = answer.status in getattr(getattr(wire, operation), "none", ())
        if answer.status not in ANY_SUCCESS or is_empty:
            return
        try:
            needed = not self._profile.semantics.is_destructive
            for sentence in missing(wire, operation, answer, cursor_is_needed=needed):
                yield Problem(sentence)
        except ValueError:
            yield Problem(body_problem(operation, exchange))

    def _shown_call(self, user: User, method: str, arguments: Sequence[object]) -> str:
        if method == "register" and not self._profile.adapter:
            names = {"username": user.name, "password": user.adapter.password, "base_url": self.url}
            return shlex.join(word.format_map(names) for word in self._profile.wire.user_command)
        return f"{user.who}.{method}({', '.join(map(repr, arguments))})"


def _lenient(wire: Wire) -> Wire:
    tables = {name: getattr(wire, name) for name in ("register", "sign_in", "send", "poll", "history")}
    return replace(wire, **{name: replace(table, ok=ANY_SUCCESS) for name, table in tables.items()})


def _problem_of(error: Exception) -> Problem:
    """Return what an adapter raised, as a problem."""
    if isinstance(error, UsageError):
        return Problem(error.sentence)
    if isinstance(error, Failed):
        said = error.error or error.why or f"it was answered {error.status}"
        code = InfrastructureError.exit_code if error.status is None or error.status >= 500 else 2
        return Problem(f"This had no success: {said}.", code)
    if isinstance(error, OSError):
        return Problem(f"The server was not reached: {error}.", InfrastructureError.exit_code)
    return Problem(f"The adapter failed: {type(error).__name__}: {error}.")


def shortened(answer: Answer) -> str:
    """Return an answer's status and the beginning of its body, and the headers that can be read."""
    if answer.status is None:
        return f"no answer: {answer.error}"
    text = " ".join(answer.text.split())
    more = "…" if len(text) > LONGEST_ANSWER else ""
    return f"{answer.status} {text[:LONGEST_ANSWER]}{more}".rstrip()


def read_out_of(result: object) -> Iterator[str]:
    """Yield what an answer says, a line each; nothing for what it does not say."""
    if isinstance(result, Session):
        yield from _named(token=result.token)
    if isinstance(result, Ack):
        yield from _named(
            id=result.id,
            timestamp=result.timestamp,
            seq=result.seq,
            queued=result.queued,
            replayed=result.replayed,
        )
    if isinstance(result, Page):
        yield f"{len(result.messages)} message{'s' * (len(result.messages) != 1)}"
        for each in result.messages[-MOST_MESSAGES:]:
            seq = "" if each.seq is None else f", seq {each.seq}"
            about = f"id {each.id}, {each.sender} to {each.recipient}, {each.timestamp}{seq}"
            yield f"  {about}: {each.content!r}"
        yield from _named(next_since=result.next_since, has_more=result.has_more, gap=result.gap)


def _named(**values: object) -> Iterator[str]:
    return (f"{name}: {value}" for name, value in values.items() if value is not None)
