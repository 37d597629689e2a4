"""A user of the server under test: every request is timed, and says what its answer proves."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from harness.adapters.base import Adapter, NewAdapter, Site
from harness.adapters.manners import Asked, Manner
from harness.adapters.over_http import HttpAdapter
from harness.adapters.results import (
    JSON,
    Ack,
    Answer,
    Body,
    Failed,
    Page,
    Result,
    Said,
    Session,
)
from harness.errors import HarnessError, InfrastructureError, NotServed, UsageError
from harness.history import Outcome

PATIENCE_S = 5.0
S = TypeVar("S", bound=Said)
A = TypeVar("A", bound=Answer)
STATUSES = {Outcome.OK: 200, Outcome.REFUSED: 400, Outcome.UNKNOWN: None}
"""What stands for a status where an adapter does not speak HTTP."""


class Client:
    """One user's connection to a server, over an adapter; without one, over the reference's HTTP.

    With the URLs of several instances each request goes to the next one, as behind a load balancer. Threads
    may share it. `timeout_s` bounds each request to its last byte, in addition to the time that a poll may be
    held open.
    """

    def __init__(
        self,
        base_urls: str | Sequence[str],
        username: str,
        password: str,
        *,
        timeout_s: float = 5.0,
        new_adapter: NewAdapter | None = None,
    ) -> None:
        urls = [base_urls] if isinstance(base_urls, str) else base_urls
        self.username = username
        self._site, self._password = Site(urls), password
        self._new_adapter = new_adapter or partial(HttpAdapter, timeout_s=timeout_s)
        self.adapter: Adapter = self._new_adapter(self._site, username, password)

    @property
    def http(self) -> HttpAdapter:
        """The adapter, for requests that only HTTP has. Raise UsageError if it does not speak HTTP."""
        if not isinstance(self.adapter, HttpAdapter):
            raise UsageError("This needs requests over HTTP, and the target's adapter is a class of its own.")
        return self.adapter

    @property
    def token(self) -> str | None:
        """The token of the last sign-in; None before the first."""
        return self.http.token

    def register(self) -> Result[Said]:
        """Create this user."""
        return _result(self.adapter.register, Said())

    def sign_in(self) -> Result[Session]:
        """Sign in, for every later call."""
        return _result(self.adapter.sign_in, Session())

    def sign_in_at_once(self, times: int) -> list[Result[Session]]:
        """Sign in `times` times at the same time, each over its own connection."""
        twins = [self._new_adapter(self._site, self.username, self._password) for _ in range(times)]
        with ThreadPoolExecutor(times) as pool:
            answers = list(pool.map(lambda twin: _result(twin.sign_in, Session()), twins))
        for twin in twins:
            twin.close()
        return answers

    def send(self, recipient: str, manner: Manner) -> Result[Ack]:
        """Send one message."""
        return _result(lambda: self.adapter.send_as(recipient, manner), Ack())

    def ask(self, asked: Asked) -> Result[Page]:
        """Ask for new messages of this user's own mailbox."""
        return _result(lambda: self.adapter.poll_as(asked), Page())

    def poll(self, parameters: Mapping[str, str]) -> Result[Page]:
        """Ask for new messages with the parameters `since`, `limit` and `wait`, as they are."""
        return self.ask(Asked(parameters.get("since"), parameters))

    def history(self, other: str) -> Result[Page]:
        """Read the newest page of the conversation with another user."""
        return _result(lambda: self.adapter.history(other), Page())

    def call(
        self,
        method: str,
        path: str,
        *,
        body: JSON | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make any request as this user; `path` starts at the server's root. Bytes are sent as they are."""
        return self.http.call(method, path, body=body, headers=headers, parameters=parameters)

    def close(self) -> None:
        """Close the idle connections."""
        self.adapter.close()


def _result(call: Callable[[], S | None], nothing: S) -> Result[S]:
    """Make a request of an adapter, and return what came back.

    Raise InfrastructureError when the adapter raises what only a fault of its own explains.
    """
    start_ns = time.monotonic_ns()
    try:
        said = call()
    except Failed as failed:
        return _failure(failed, nothing, start_ns)
    except OSError as error:
        why = "timeout" if isinstance(error, TimeoutError) else f"connection lost ({type(error).__name__})"
        return _failure(Failed(error=why), nothing, start_ns)
    except HarnessError:
        raise
    except Exception as error:
        raise InfrastructureError(f"The target's adapter failed: {type(error).__name__}: {error}.") from error
    answer = said.answer if said else None
    if answer is None:
        answer = Answer(STATUSES[Outcome.OK], Body(), None, start_ns, time.monotonic_ns())
    fields = _fields(answer) | {"error": None}
    return Result(**fields, outcome=Outcome.OK, said=nothing if said is None else said)


def _failure(failed: Failed, nothing: S, start_ns: int) -> Result[S]:
    answer = failed.answer
    if answer is None:
        status = failed.status or STATUSES[failed.outcome]
        answer = Answer(status, Body(), failed.error, start_ns, time.monotonic_ns())
    said = replace(nothing, stated_outcome=failed.stated_outcome) if isinstance(nothing, Ack) else nothing
    fields = _fields(answer) | {"error": failed.error}
    outcome, unreadable = failed.outcome, failed.unreadable
    return Result(**fields, outcome=outcome, said=said, detail=failed.why, unreadable=unreadable)


def _fields(answer: Answer) -> dict[str, Any]:
    return {each.name: getattr(answer, each.name) for each in dataclass_fields(Answer)}


def patiently(call: Callable[[], A], *, pause_s: float = 0.2) -> A:
    """Repeat a call that is answered 503 for up to five seconds; return the last answer.

    For requests before a scenario's story: whether a 503 is right is judged by sends and polls.
    """
    give_up_at = time.monotonic() + PATIENCE_S
    while (answer := call()).status == 503 and time.monotonic() < give_up_at:
        time.sleep(pause_s)
    return answer


def require(result: Result[S], what: str) -> Result[S]:
    """Return the result if it is what the scenario needs to go on.

    Else raise NotServed: the scenario ends, and what it has recorded is judged.
    """
    if result.outcome is not Outcome.OK:
        raise NotServed(
            f"{what} was answered {result.status or 'nothing'}: {result.why or dict(result.body)}"
        )
    return result
