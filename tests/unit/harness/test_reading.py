"""What is read out of answers in many forms, and how requests are written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.adapters import Answer, Failed, Manner, Page
from harness.adapters.accounts import Accounts
from harness.adapters.epochs import as_number, as_text
from harness.adapters.http import json_object
from harness.adapters.reading import Reader
from harness.adapters.wire import Credentials, Wire
from harness.adapters.writing import Writer
from harness.errors import DoesNotFit, NotHere
from harness.history import Outcome, Unreadable
from harness.typed import typed

NOON = "2026-01-01T12:00:00.000000Z"
MESSAGE = {"id": 7, "from": "ann", "to": "bob", "message": "hi", "timestamp": NOON}


def wire(**tables: Any) -> Wire:
    return typed(tables, Wire)


def answered(body: Any, status: int | None = 200, **headers: str) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    value, error = json_object(text.encode())
    return Answer(status, value, error, 0, 1, text, headers)


@pytest.mark.parametrize(
    ("value", "unit", "text", "number"),
    [
        (1767268800, "epoch_s", NOON, "1767268800"),
        (1767268800.25, "epoch_s", "2026-01-01T12:00:00.250000Z", "1767268800.25"),
        ("1767268800123", "epoch_ms", "2026-01-01T12:00:00.123000Z", "1767268800123"),
        (1767268800123456, "epoch_us", "2026-01-01T12:00:00.123456Z", "1767268800123456"),
        (-1, "epoch_us", "1969-12-31T23:59:59.999999Z", "-1"),
        (1767268800.1234567, "epoch_s", "2026-01-01T12:00:00.1234567Z", "1767268800.1234567"),
    ],
)
def test_a_number_and_its_timestamp_are_the_same_moment(
    value: Any, unit: str, text: str, number: str
) -> None:
    assert as_text(value, unit) == text
    assert as_number(text, unit) == number


@pytest.mark.parametrize("value", ["noon", "nan", 10**30, True, None, [1]])
def test_what_is_not_a_number_is_not_a_timestamp(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        as_text(value, "epoch_ms")


def test_a_bare_list_is_a_page_whose_cursor_is_in_its_last_message() -> None:
    reader = Reader(wire(poll={"messages": "@", "next_since": "[-1].timestamp"}))
    page = reader.page(answered([MESSAGE]), mailbox="bob", since=None)
    assert ([message.id for message in page.messages], page.next_since) == (["7"], NOON)
    assert reader.page(answered([]), mailbox="bob", since=NOON).next_since == NOON


def test_a_page_without_a_body_keeps_its_cursor() -> None:
    page = Reader(Wire()).page(answered("", 204), mailbox="bob", since=NOON)
    assert (page.messages, page.next_since, page.may_have_more) == ((), NOON, False)


def test_the_newest_message_comes_last_whatever_the_server_does() -> None:
    later = MESSAGE | {"id": 8}
    reader = Reader(Wire(), newest_first=True)
    page = reader.page(
        answered({"messages": [later, MESSAGE], "next_since": NOON}), mailbox="bob", since=None
    )
    assert [message.id for message in page.messages] == ["7", "8"]


def test_a_cursor_can_be_a_header() -> None:
    spoken = wire(poll={"next_since": "header:ETag", "since": "header:If-None-Match"})
    page = Reader(spoken).page(answered({"messages": [MESSAGE]}, ETag='"5"'), mailbox="bob", since=None)
    assert page.next_since == '"5"'
    request = Writer(spoken).request("poll", {"username": "bob", "since": '"5"'})
    assert (dict(request.parameters), dict(request.headers)) == ({}, {"If-None-Match": '"5"'})


def test_a_recipient_that_a_message_does_not_name_is_the_reader() -> None:
    message = {key: value for key, value in MESSAGE.items() if key != "to"}
    page = Reader(Wire()).page(
        answered({"messages": [message], "next_since": NOON}), mailbox="bob", since=None
    )
    assert page.messages[0].recipient == "bob"


def test_the_nearest_field_is_named_where_the_profile_names_another() -> None:
    with pytest.raises(DoesNotFit, match=r"a sign-in has no `token` .*it has `access_token`"):
        Reader(Wire()).session(answered({"access_token": "abc", "ttl": 5}))


def polled(reader: Reader, body: Any) -> Page:
    return reader.page(answered(body), mailbox="bob", since=None)


@pytest.mark.parametrize(
    ("table", "how"), [({}, Unreadable.CONTRACT), ({"gap": "truncated"}, Unreadable.FIELDS)]
)
def test_a_field_that_was_there_before_makes_one_answer_unreadable(
    table: dict[str, str], how: Unreadable
) -> None:
    reader = Reader(wire(poll=table))
    polled(reader, {"messages": [], "next_since": None})
    with pytest.raises(Failed) as told:
        polled(reader, {"posts": []})
    assert (told.value.outcome, told.value.unreadable) == (Outcome.UNKNOWN, how)
    assert "has no `messages`" in str(told.value.error)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            {"id": {"an": "object"}},
            r"`id` \(`wire.message.id`\) in a message is an object, not a string or number",
        ),
        ({"timestamp": 5}, r"`timestamp` .* in a message is a number, not a string"),
        ({"from": None}, r"`from` .* in a message is null, not a string"),
    ],
)
def test_empty_pages_do_not_show_that_a_message_can_be_read(message: dict[str, Any], said: str) -> None:
    reader = Reader(Wire())
    polled(reader, {"messages": [], "next_since": None})
    with pytest.raises(DoesNotFit, match=said):
        polled(reader, {"messages": [MESSAGE | message], "next_since": NOON})


def test_while_something_is_broken_no_answer_shows_that_the_profile_does_not_fit() -> None:
    reader = Reader(Wire(), is_broken=lambda: True)
    for body in ({"error": "no store"}, *["<html>"] * 5):
        with pytest.raises(Failed):
            polled(reader, body)


def test_answers_that_never_are_json_are_the_profiles_fault() -> None:
    reader = Reader(Wire())
    with pytest.raises(DoesNotFit, match=r"the answer to a sign-in is not JSON; it begins with '<html>"):
        reader.session(answered("<html>Welcome</html>"))
    for _ in range(2):
        with pytest.raises(Failed) as told:
            polled(reader, "")
        assert told.value.unreadable is Unreadable.BODY
    with pytest.raises(DoesNotFit, match="the answer to a poll is not JSON; it is empty"):
        polled(reader, "")


def test_answers_of_which_one_is_json_are_the_servers_fault() -> None:
    reader = Reader(Wire())
    for body in ("<html>", "<html>", {"messages": [], "next_since": None}, "<html>", "<html>", "<html>"):
        if isinstance(body, str):
            with pytest.raises(Failed):
                polled(reader, body)
        else:
            polled(reader, body)


def test_a_send_whose_answer_says_nothing_needs_no_json() -> None:
    nothing = dict.fromkeys(("id", "seq", "timestamp", "queued", "replayed"), "")
    assert Reader(wire(send=nothing)).ack(answered("OK")).id is None
    with pytest.raises(Failed, match="None") as told:
        Reader(Wire()).ack(answered("OK"))
    assert told.value.unreadable is Unreadable.BODY


def test_a_status_that_the_profile_does_not_name_is_its_own_fault() -> None:
    with pytest.raises(DoesNotFit, match=r"a send was answered 202, and `wire.send.ok` says 200"):
        Reader(Wire()).ack(answered({}, 202))


def test_every_cookie_of_a_sign_in_is_sent_back() -> None:
    session = Reader(wire(auth="cookie")).session(
        answered("", 200, **{"Set-Cookie": "a=1; Path=/; HttpOnly"})
    )
    assert Writer(wire(auth="cookie")).authorization("ann", "pw", session) == {"Cookie": "a=1"}


def test_a_name_and_a_password_can_be_all_that_shows_who_asks() -> None:
    assert Writer(wire(auth="basic")).authorization("ann", "é", None) == {"Authorization": "Basic YW5uOsOp"}


def test_fields_can_be_nested_renamed_added_and_in_the_path() -> None:
    spoken = wire(
        prefix="/v1",
        send={
            "method": "PUT",
            "path": "/to/{recipient}/{client_message_id}",
            "content": "/body/text",
            "fields": {"/body/type": "m.text"},
        },
    )
    request = Writer(spoken).send("ann", "b/ob", Manner("hi", "own id"))
    assert (request.method, request.path) == ("PUT", "/v1/to/b%2Fob/own%20id")
    assert json.loads(request.body or b"") == {"body": {"type": "m.text", "text": "hi"}}


def test_a_form_is_written_as_a_form() -> None:
    request = Writer(wire(send={"body": "form", "sender": ""})).send(
        "ann", "bob", Manner("a b&c", None, names_sender=True)
    )
    assert request.body == b"to_username=bob&content=a+b%26c"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_users_of_a_list_are_each_for_one_user_and_run_out() -> None:
    accounts = Accounts([typed({"username": "ann", "password": "x"}, Credentials)])
    assert accounts.take("someone") == accounts.take("ann") == ("ann", "x")
    with pytest.raises(NotHere, match="list has 1 users"):
        accounts.take("another")


def test_a_message_need_not_say_who_sent_it() -> None:
    unsigned = {key: value for key, value in MESSAGE.items() if key != "from"}
    reader = Reader(wire(message={"sender": ""}))
    page = polled(reader, {"messages": [unsigned], "next_since": NOON})
    assert [message.sender for message in page.messages] == [""]
