"""Whatever an answer is not that the contract says is told in words that Locust can group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.client import Answer, Body, Malformed
from loadtests.answers import check_ack, page_of, require, token_of

MESSAGE = {
    "id": "1",
    "seq": 1,
    "from": "ann",
    "to": "bob",
    "message": "hi",
    "timestamp": "2026-01-01T00:00:00Z",
}
PAGE = {"messages": [MESSAGE], "count": 1, "has_more": False, "next_since": "2026-01-01T00:00:00Z"}
ACK = {"id": "1", "seq": 1, "timestamp": "2026-01-01T00:00:00Z", "message": "hi", "client_message_id": "own"}


def answered(body: dict[str, Any], status: int | None = 200, error: str | None = None) -> Answer:
    return Answer(status, Body(body), error, 0, 1)


def ack(answer: Answer) -> None:
    check_ack(answer, "hi", "own")


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


def with_message(**changed: Any) -> dict[str, Any]:
    return PAGE | {"messages": [MESSAGE | changed]}


def test_what_the_contract_says_is_read() -> None:
    assert token_of(answered({"token": "abc"})) == "abc"
    assert require(answered({}, 201), 201).status == 201
    check_ack(answered(ACK), "hi", "own")
    page = page_of(answered(PAGE))
    assert [message["content"] for message in page["messages"]] == ["hi"]
    assert page["next_since"] == PAGE["next_since"]
    page_of(answered({"messages": [], "has_more": False, "next_since": None}))


@pytest.mark.parametrize("read", [token_of, ack, page_of])
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (answered({}, 200, "the body is not JSON"), "the body is not JSON"),
        (answered({}, 429), "answered 429, not 200"),
        (answered({}, 201), "answered 201, not 200"),
        (answered({}, None, "connection refused"), "no answer: connection refused"),
        (answered({}, 200), ""),
    ],
)
def test_no_reading_takes_what_is_not_an_answer(
    read: Callable[[Answer], Any], answer: Answer, said: str
) -> None:
    with pytest.raises(Malformed) as told:
        read(answer)
    assert said in str(told.value)


@pytest.mark.parametrize(
    ("read", "body", "said"),
    [
        (token_of, {"token": 5}, "the token is not a string for a header"),
        (token_of, {"token": "a\nb"}, "the token is not a string for a header"),
        (ack, without(ACK, "id"), "the ack has no 'id'"),
        (ack, without(ACK, "timestamp"), "the ack has no 'timestamp'"),
        (ack, ACK | {"id": {}}, "id is of the type dict"),
        (ack, ACK | {"message": "ho"}, "the ack's 'message' is not what was sent"),
        (ack, ACK | {"client_message_id": None}, "the ack's 'client_message_id' is not what was sent"),
        (page_of, without(PAGE, "messages"), "messages"),
        (page_of, without(PAGE, "next_since"), "next_since"),
        (page_of, without(PAGE, "has_more"), "has_more is not a boolean"),
        (page_of, PAGE | {"has_more": "no"}, "has_more is not a boolean"),
        (page_of, PAGE | {"messages": [], "count": 0, "has_more": True}, "has_more is true on an empty page"),
        (page_of, PAGE | {"count": 2}, "count is not the number of messages"),
        (page_of, PAGE | {"messages": 5}, "not iterable"),
        (page_of, PAGE | {"messages": [5]}, "malformed answer"),
        (page_of, PAGE | {"messages": [without(MESSAGE, "message")]}, "message"),
        (page_of, with_message(message=None), "message is of the type NoneType"),
        (page_of, with_message(id=[]), "id is of the type list"),
        (page_of, with_message(to=7), "to is of the type int"),
    ],
)
def test_what_is_missing_or_mistyped_is_told(
    read: Callable[[Answer], Any], body: dict[str, Any], said: str
) -> None:
    with pytest.raises(Malformed) as told:
        read(answered(body))
    assert said in str(told.value)
