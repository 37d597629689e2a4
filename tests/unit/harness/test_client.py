"""What a client may conclude from an answer."""

from __future__ import annotations

from typing import Any

import pytest

from harness.client import Answer, Body, require
from harness.errors import NotServed
from harness.history import Outcome


def _answer(status: int | None, body: dict[str, Any] | None = None, error: str | None = None) -> Answer:
    return Answer(status, body or {}, error, start_ns=0, end_ns=1_500_000_000)


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
    assert answer.outcome is outcome


def test_a_scenario_that_cannot_sign_in_ends() -> None:
    assert require(_answer(200), 200, "signing in").seconds == 1.5
    with pytest.raises(NotServed, match="signing in was answered 503, not 200: no store"):
        require(_answer(503, {"detail": "no store"}), 200, "signing in")
    with pytest.raises(NotServed, match="answered nothing, not 200: timeout"):
        require(_answer(None, error="timeout"), 200, "signing in")


def test_a_field_that_an_answer_lacks_is_the_servers_fault() -> None:
    with pytest.raises(AssertionError, match="an answer has no 'has_more'"):
        Body({"messages": []})["has_more"]
