"""How a user gets in where the server limits that, stays in, and what is the generator's own fault."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from harness.client import Body, Result, Said
from harness.history import NS_PER_S, Outcome
from harness.targets.profile import load_profile
from loadtests import users
from loadtests.connections import NotMade, Server
from loadtests.figures import Figures
from loadtests.run import LoadRun
from loadtests.schedule import SHAPES, Load
from loadtests.users import ChatUser


def answered(status: int | None, *, error: str | None = None, **headers: str) -> Result[Said]:
    is_ok = status is not None and status < 300
    outcome = Outcome.OK if is_ok else Outcome.UNKNOWN if status is None else Outcome.REFUSED
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Result(status, Body(), error, 0, 1, "", named, outcome=outcome, said=Said())


TIMED_OUT = answered(None, error="timeout")


class Client:
    """Answers as it is told, one after the other, and counts what it was asked."""

    username = "load_a_0x0"

    def __init__(self, **answers: list[Result[Said]]) -> None:
        self.adapter = SimpleNamespace(registers=True, signs_in=True)
        self.asked: list[str] = []
        self._answers = {name: iter(some) for name, some in answers.items()}

    def register(self) -> Result[Said]:
        return self._next("register")

    def sign_in(self) -> Result[Said]:
        return self._next("sign_in")

    def _next(self, name: str) -> Result[Said]:
        self.asked.append(name)
        return next(self._answers[name])


class Slept:
    """Collects for how long a user wants to wait, and does not wait."""

    def __init__(self) -> None:
        self.until_ns: list[int] = []

    def __call__(self, user: ChatUser, due_ns: int) -> None:
        self.until_ns.append(due_ns)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> Slept:
    slept = Slept()
    monkeypatch.setattr(ChatUser, "_sleep_until", lambda user, due_ns: slept(user, due_ns))
    return slept


@pytest.fixture
def fired() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def make(fired: list[dict[str, Any]]) -> Callable[..., ChatUser]:
    def make(client: Client, is_stopping: Callable[[], bool] = lambda: False) -> ChatUser:
        server = Server("http://127.0.0.1:1", keep_alive_s=1, is_checked=False)
        load = Load(7, 1.0, SHAPES["steady"], math.inf)
        run = LoadRun(load_profile("reference"), server, load, figures=Figures())
        user = ChatUser(run, fire=lambda **request: fired.append(request), is_stopping=is_stopping)
        user.client = client  # type: ignore[assignment]
        return user

    return make


def counts(user: ChatUser) -> Any:
    return user._run.figures.counts


def test_a_user_waits_as_long_as_the_server_says_and_that_is_no_failure(
    make: Callable[..., ChatUser], slept: Slept, fired: list[dict[str, Any]]
) -> None:
    slowed = answered(429, Retry_After="7")
    client = Client(register=[slowed, answered(503), answered(201)], sign_in=[slowed, answered(200)])
    user = make(client)
    assert user.enter()
    assert slept.until_ns == [1 + 7 * NS_PER_S, 1 + NS_PER_S, 1 + 7 * NS_PER_S]
    assert counts(user)["failed_requests"] == 0
    assert [request["name"] for request in fired].count("/api/users/register (slowed)") == 2


def test_a_registration_that_was_carried_out_without_an_answer_is_one(
    make: Callable[..., ChatUser], slept: Slept
) -> None:
    user = make(Client(register=[TIMED_OUT, answered(409)], sign_in=[answered(200)]))
    assert user.enter()
    assert counts(user)["failed_requests"] == 0


@pytest.mark.parametrize("answers", [[answered(409)], [answered(400)], [TIMED_OUT] * users.TRIES])
def test_a_user_who_is_not_let_in_is_a_failed_request(
    make: Callable[..., ChatUser], slept: Slept, answers: list[Result[Said]]
) -> None:
    user = make(Client(register=answers))
    assert not user.enter()
    assert counts(user)["failed_requests"] == 1


def test_a_user_whom_the_server_kept_waiting_to_the_end_is_counted(
    make: Callable[..., ChatUser], slept: Slept
) -> None:
    is_over: Iterator[bool] = iter([False, True])
    user = make(Client(register=[answered(429)]), lambda: next(is_over))
    assert not user.enter()
    assert counts(user)["not_in"] == 1
    assert counts(user)["failed_requests"] == 0


def test_a_user_whose_token_has_ended_signs_in_again_and_asks_again(make: Callable[..., ChatUser]) -> None:
    client = Client(sign_in=[answered(200)])
    user = make(client)
    user._signed_in_ns = -10 * users.TOKEN_LASTS_S * NS_PER_S
    answers = iter([answered(401), answered(200)])
    result = user._asked(lambda: next(answers), 0)
    assert result is not None
    assert result.status == 200
    assert client.asked == ["sign_in"]


def test_a_new_token_that_is_refused_is_not_renewed(make: Callable[..., ChatUser]) -> None:
    client = Client(sign_in=[answered(200)])
    user = make(client)
    assert user._sign_in()
    result = user._asked(lambda: answered(401), 0)
    assert result is not None
    assert result.status == 401
    assert client.asked == ["sign_in"]


def test_what_could_not_be_made_is_a_missed_arrival(make: Callable[..., ChatUser]) -> None:
    def make_none() -> Result[Said]:
        raise NotMade("A request could not be made: Too many open files.")

    user = make(Client())
    assert user._asked(make_none, 0) is None
    assert counts(user)["missed"] >= 1


@pytest.mark.parametrize(("said", "waits_s"), [("soon", 1.0), ("0", 0.1), ("9999", 30.0), ("2.5", 2.5)])
def test_a_retry_after_that_cannot_be_used_is_a_short_wait(said: str, waits_s: float) -> None:
    assert users._retry_after_s(answered(429, Retry_After=said)) == waits_s
