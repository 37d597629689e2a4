"""What a client may conclude from an answer."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from harness.adapters import Ack, Answer, Manner, Result
from harness.adapters.over_http import HttpAdapter
from harness.client import Body, Client, require
from harness.errors import NotServed
from harness.history import Outcome


def _answer(status: int | None, body: dict[str, Any] | None = None, error: str | None = None) -> Answer:
    return Answer(status, body or {}, error, start_ns=0, end_ns=1_500_000_000, text="…")


def _sent(answer: Answer) -> Result[Ack]:
    new = partial(HttpAdapter, transport=lambda request: answer)
    return Client("", "ann", "", new_adapter=new).send("bob", Manner("hi", None))


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (_answer(200), Outcome.OK),
        (_answer(200, error="the body is not JSON"), Outcome.UNKNOWN),
        (_answer(400), Outcome.REFUSED),
        (_answer(429), Outcome.REFUSED),
        (_answer(503, {"outcome": "not_stored"}), Outcome.REFUSED),
        (_answer(503, {"outcome": "unknown"}), Outcome.UNKNOWN),
        (_answer(503), Outcome.UNKNOWN),
        (_answer(500), Outcome.UNKNOWN),
        (_answer(None, error="timeout"), Outcome.UNKNOWN),
        (_answer(None, error="connection refused"), Outcome.UNKNOWN),
    ],
)
def test_only_a_refusal_means_that_a_send_did_not_happen(answer: Answer, outcome: Outcome) -> None:
    assert _sent(answer).outcome is outcome


def test_a_scenario_that_cannot_go_on_ends() -> None:
    assert require(_sent(_answer(200)), "sending").seconds == 1.5
    with pytest.raises(NotServed, match="sending was answered 503: no store"):
        require(_sent(_answer(503, {"detail": "no store"})), "sending")
    with pytest.raises(NotServed, match="answered nothing: timeout"):
        require(_sent(_answer(None, error="timeout")), "sending")


def test_a_field_that_an_answer_lacks_is_the_servers_fault() -> None:
    with pytest.raises(AssertionError, match="an answer has no 'has_more'"):
        Body({"messages": []})["has_more"]
