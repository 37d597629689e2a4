"""Whatever an answer is not that the contract says is told in words that Locust can group."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from harness.adapters import Answer, Manner
from harness.adapters.over_http import Codec, HttpAdapter
from harness.adapters.wire import Wire
from harness.client import Body, Client, Malformed
from harness.errors import DoesNotFit
from loadtests.answers import check_page, require

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


def client(answer: Answer, codec: Codec | None = None) -> Client:
    new_adapter = partial(HttpAdapter, codec=codec, transport=lambda request: answer)
    return Client("", "bob", "", new_adapter=new_adapter)


def token(answer: Answer) -> str | None:
    return require(client(answer).sign_in()).token


def ack(answer: Answer) -> None:
    require(client(answer).send("bob", Manner("hi", "own")))


def page(answer: Answer) -> list[str]:
    result = client(answer).poll({})
    contents = [message.content for message in require(result).messages]
    check_page(result)
    return contents


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


def with_message(**changed: Any) -> dict[str, Any]:
    return PAGE | {"messages": [MESSAGE | changed]}


def test_what_the_contract_says_is_read() -> None:
    assert token(answered({"token": "abc"})) == "abc"
    ack(answered(ACK))
    assert page(answered(PAGE)) == ["hi"]
    assert page(answered({"messages": [], "has_more": False, "next_since": None})) == []


@pytest.mark.parametrize("read", [token, ack, page])
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (answered({}, 200, "the body is longer than 5 bytes"), "the body is longer than 5 bytes"),
        (answered({}, 429), "answered 429"),
        (answered({}, None, "connection refused"), "no answer: connection refused"),
    ],
)
def test_no_reading_takes_what_is_not_an_answer(
    read: Callable[[Answer], Any], answer: Answer, said: str
) -> None:
    with pytest.raises(Malformed) as told:
        read(answer)
    assert said in str(told.value)


MISTYPED = [
    (token, {"token": 5}, "the token is not a string for a header"),
    (token, {"token": "a\nb"}, "the token is not a string for a header"),
    (ack, ACK | {"id": {}}, "`id` .* in the answer to a send is an object, not a string or number"),
    (page, PAGE | {"has_more": "no"}, "`has_more` .* in the answer to a poll is a string, not a boolean"),
    (page, PAGE | {"messages": 5}, "`messages` .* in the answer to a poll is a number, not a list"),
    (page, PAGE | {"messages": [5]}, "a message of the answer to a poll is a number, not an object"),
    (page, with_message(message=None), "`message` .* in a message is null, not a string"),
    (page, with_message(id=[]), "`id` .* in a message is a list, not a string or number"),
    (page, with_message(to=7), "`to` .* in a message is a number, not a string"),
]


@pytest.mark.parametrize(("read", "body", "said"), MISTYPED)
def test_what_is_mistyped_from_the_first_answer_on_is_the_profiles_fault(
    read: Callable[[Answer], Any], body: dict[str, Any], said: str
) -> None:
    with pytest.raises(DoesNotFit, match=said):
        read(answered(body))


@pytest.mark.parametrize(("read", "body", "said"), MISTYPED)
def test_what_was_right_before_and_is_mistyped_is_told(
    read: Callable[[Answer], Any],
    body: dict[str, Any],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codec = Codec(Wire())
    monkeypatch.setattr(sys.modules[__name__], "client", partial(client, codec=codec))
    read(answered({"token": "abc"} if read is token else ACK if read is ack else PAGE))
    with pytest.raises(Malformed, match=said):
        read(answered(body))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (PAGE | {"messages": [], "count": 0, "has_more": True}, "has_more is true on an empty page"),
        (PAGE | {"count": 2}, "count is not the number of messages"),
    ],
)
def test_a_page_that_contradicts_itself_is_told(body: dict[str, Any], said: str) -> None:
    with pytest.raises(Malformed, match=said):
        page(answered(body))


@pytest.mark.parametrize(
    ("read", "body", "said"),
    [
        (token, {"access_token": "abc"}, "the answer to a sign-in has no `token`"),
        (page, without(PAGE, "messages"), "has no `messages`"),
        (page, without(PAGE, "next_since"), "has no `next_since`"),
        (page, PAGE | {"messages": [without(MESSAGE, "message")]}, "has no `message`"),
    ],
)
def test_what_no_answer_ever_had_is_the_profiles_fault(
    read: Callable[[Answer], Any], body: dict[str, Any], said: str
) -> None:
    with pytest.raises(DoesNotFit, match=said):
        read(answered(body))
