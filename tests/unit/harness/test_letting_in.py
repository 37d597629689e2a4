"""Registrations and sign-ins of a scenario's users: recorded; where nobody is let in, the scenario ends."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from harness.adapters.wire import Wire
from harness.checkers import available, run_checker
from harness.client import Body, Client, Result, Said
from harness.client.variety.variety import Variety
from harness.errors import NotServed
from harness.history import NS_PER_S, Bounds, Outcome, Recorder, Unreadable
from harness.policy import Features
from harness.run.users import Users
from harness.verdict import Verdict

OUTCOMES = dict.fromkeys((200, 201), Outcome.OK) | dict.fromkeys((400, 401, 409), Outcome.REFUSED)


class Door:
    """Users whose clients are answered as a test says, by what they want."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers = {"register": _answer(201), "sign_in": _answer(200)}
        self.calls: dict[str, Callable[[], Result[Said]]] = {}
        instances: Any = SimpleNamespace(
            targets=["running"],
            ok=lambda operation: getattr(Wire(), operation).ok,
            client=lambda name, password, at="": Client("", name, password),
        )
        self.recorder = Recorder(io.BytesIO(), row="SIM-01", title="a row", seed=1, bounds=Bounds())
        self.users = Users(instances, self.recorder, Variety(1, Features(), longest_message=1000))
        monkeypatch.setattr("harness.client.Client.register", self._says("register"))
        monkeypatch.setattr("harness.client.Client.sign_in", self._says("sign_in"))

    def _says(self, what: str) -> Callable[[Any], Result[Said]]:
        return lambda client: self.calls[what]() if what in self.calls else self.answers[what]

    def is_judged(self) -> Verdict:
        return available(self.recorder.history()).verdict


def _answer(status: int | None, error: str | None = None) -> Result[Said]:
    outcome = OUTCOMES.get(status, Outcome.UNKNOWN) if error is None else Outcome.UNKNOWN
    rest = {"outcome": outcome, "said": Said(), "detail": "so it is"}
    return Result(status, Body(detail="so it is"), error, start_ns=0, end_ns=1, **rest)


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    return Door(monkeypatch)


def test_who_is_let_in_is_recorded(door: Door) -> None:
    door.users.new_one()
    asked = [(needed.what, needed.status, needed.error) for needed in door.recorder.history().required]
    assert asked == [("register", 201, None), ("sign in", 200, None)]


@pytest.mark.parametrize("answer", [_answer(409), _answer(201)])
def test_a_name_that_is_there_and_a_body_that_nobody_needs_keep_nobody_out(
    door: Door, answer: Result[Said]
) -> None:
    door.answers["register"] = answer
    door.users.new_one()
    assert [needed.error for needed in door.recorder.history().required] == [None, None]


@pytest.mark.parametrize("what", ["register", "sign_in"])
@pytest.mark.parametrize("answer", [_answer(None, "timeout"), _answer(500), _answer(401)])
def test_who_is_not_let_in_ends_the_scenario_with_a_finding(
    door: Door, what: str, answer: Result[Said]
) -> None:
    door.answers[what] = answer
    with pytest.raises(NotServed, match=rf"wanted to {what.replace('_', ' ')} and was answered"):
        door.users.new_one()
    assert door.is_judged() is Verdict.FAIL


def _timeout(door: Door, *, lasts_s: float, under_pressure_s: float) -> Result[Said]:
    """A time-out that begins now, under pressure from its begin on."""
    start_ns = time.monotonic_ns()
    pressure = {"since": start_ns, "waiting": 0.97, "late_s": 0.01}
    door.recorder.record("pressure", t=start_ns + int(under_pressure_s * NS_PER_S), **pressure)
    end_ns = start_ns + int(lasts_s * NS_PER_S)
    rest = {"outcome": Outcome.UNKNOWN, "said": Said()}
    return Result(None, Body(), "timeout", start_ns=start_ns, end_ns=end_ns, **rest)


@pytest.mark.parametrize("what", ["register", "sign_in"])
def test_a_time_out_that_pressure_explains_is_tried_again(door: Door, what: str) -> None:
    right = door.answers[what]
    turns = iter([lambda: _timeout(door, lasts_s=5, under_pressure_s=4)] * 2 + [lambda: right])
    door.calls[what] = lambda: next(turns)()
    door.users.new_one()
    asked = [needed.status for needed in door.recorder.history().required]
    assert asked.count(None) == 2
    assert len(asked) == 4
    assert door.is_judged() is Verdict.INCONCLUSIVE


def test_a_time_out_that_pressure_does_not_explain_is_not_tried_again(door: Door) -> None:
    door.calls["sign_in"] = lambda: _timeout(door, lasts_s=5, under_pressure_s=1)
    with pytest.raises(NotServed, match="answered nothing, not 200: timeout"):
        door.users.new_one()
    assert [needed.status for needed in door.recorder.history().required] == [201, None]
    assert door.is_judged() is Verdict.FAIL


def test_half_a_minute_of_pressure_ends_the_scenario(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.run.users.LONGEST_WAIT_S", 0.0)
    door.calls["sign_in"] = lambda: _timeout(door, lasts_s=5, under_pressure_s=4)
    with pytest.raises(NotServed, match="timeout"):
        door.users.new_one()
    assert door.is_judged() is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("what", "status"), [("register", 400), ("register", 429), ("sign_in", 429), ("sign_in", 404)]
)
def test_a_refusal_that_may_be_the_harnesss_doing_is_a_doubt(door: Door, what: str, status: int) -> None:
    door.answers[what] = _answer(status)
    with pytest.raises(NotServed, match="so it is"):
        door.users.new_one()
    assert door.is_judged() is Verdict.INCONCLUSIVE


def test_a_path_that_was_there_before_is_not_the_profiles_fault(door: Door) -> None:
    door.users.new_one()
    door.answers["sign_in"] = _answer(404)
    with pytest.raises(NotServed, match="answered 404"):
        door.users.new_one()
    assert door.is_judged() is Verdict.FAIL


def test_a_sign_in_that_cannot_be_read_proves_nothing(door: Door) -> None:
    door.answers["sign_in"] = replace(_answer(200, "it has no `token`"), unreadable=Unreadable.FIELDS)
    with pytest.raises(NotServed, match="wanted to sign in: it has no `token`; the profile does not fit, or"):
        door.users.new_one()
    (register, sign_in) = door.recorder.history().required
    assert (register.unreadable, sign_in.unreadable) == (None, "fields")
    assert run_checker(available, door.recorder.history()).verdict is Verdict.INCONCLUSIVE


def test_a_sign_in_without_a_token_ends_the_scenario_with_a_finding(door: Door) -> None:
    door.answers["sign_in"] = _answer(200, "the token is not a string for a header")
    with pytest.raises(NotServed, match="not a string for a header"):
        door.users.new_one()
    assert door.is_judged() is Verdict.FAIL
