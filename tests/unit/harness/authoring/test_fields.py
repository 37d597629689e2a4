"""Which field of an answer is meant by a key of a profile."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest

from harness.adapters.wire import Wire
from harness.authoring.fields import FITS, NAMES, fields_of, nearest


@pytest.mark.parametrize(
    ("key", "wanted", "value", "place"),
    [
        ("sign_in.token", "token", {"access_token": "x"}, "access_token"),
        ("sign_in.token", "token", {"accessToken": "x", "token_type": "bearer"}, "accessToken"),
        ("sign_in.token", "token", {"user": {"id": 1}, "data": {"jwt": "x"}}, "data.jwt"),
        ("sign_in.token", "token", {"the token": "x"}, '"the token"'),
        ("sign_in.token", "token", {"token": 5}, None),
        ("sign_in.token", "token", {"status": "ok"}, None),
        ("sign_in.token", "tokn", {"ticket": "x", "tokens": "y"}, "tokens"),
        ("poll.messages", "messages", {"items": [{"id": 1}]}, "items"),
        ("poll.messages", "messages", {"data": {"items": []}}, "data.items"),
        ("poll.messages", "messages", {"items": ["a"]}, None),
        ("poll.messages", "messages", {"items": "none"}, None),
        ("poll.next_since", "next_since", {"nextCursor": 5, "count": 1}, "nextCursor"),
        ("poll.next_since", "next_since", {"meta": {"next": "x"}}, "meta.next"),
        ("poll.has_more", "has_more", {"hasMore": True}, "hasMore"),
        ("message.sender", "from", {"author": {"id": 5, "username": "x"}, "sender": "y"}, "sender"),
        ("message.content", "message", {"id": 5, "body": "x"}, "body"),
        ("message.id", "id", {"message_id": "x"}, "message_id"),
        ("message.timestamp", "timestamp", {"created_at": 5}, "created_at"),
        ("message.id", "id", {}, None),
    ],
)
def test_the_nearest_field(key: str, wanted: str, value: dict[str, Any], place: str | None) -> None:
    found = nearest(key, wanted, list(fields_of(value)))
    assert (found.place if found else None) == place


def test_the_place_of_each_field_is_a_jmespath() -> None:
    value = {"a": {"b c": {'d"e': 1}}, "é": 2, "0": 3, "": 4, "\n": 5}
    fields = list(fields_of(value))
    assert len(fields) == 7
    assert all(jmespath.search(each.place, value) == each.value for each in fields)


def test_what_is_nested_without_end_is_not_searched_to_its_end() -> None:
    value: dict[str, Any] = {}
    for _ in range(10_000):
        value = {"a": value}
    assert len(list(fields_of(value))) < 10


def test_every_name_belongs_to_a_key_of_the_wire() -> None:
    wire = Wire()
    for key in NAMES:
        table, _, name = key.partition(".")
        assert hasattr(getattr(wire, table), name), key
    assert set(FITS) <= {key.rpartition(".")[2] for key in NAMES}
