"""What a client does on its way into the history: for whom it ran, and lines of a program's output."""

import json

import pytest

from harness.polling_clients.drivers.program import delivered
from harness.polling_clients.drivers.told import Told

OWNERS = {"of-ann": "ann", "of-bob": "bob", "of-eve": "eve"}


@pytest.fixture
def events():
    return []


@pytest.fixture
def told(events):
    return Told(lambda kind, **fields: events.append({"kind": kind, **fields}), "tab-1", OWNERS)


def users(events):
    return [event["user"] for event in events if event["kind"] == "client_handed"]


def test_what_is_handed_on_is_for_the_user_for_whom_the_client_runs(told, events):
    told.did("start", user="ann")
    told.handed("of-ann", content="hi")
    told.handed("of-bob")
    assert users(events) == ["ann", "ann"]
    assert told.shown == ["of-ann", "of-bob"]
    assert events[1] == {
        "kind": "client_handed",
        "client": "tab-1",
        "id": "of-ann",
        "user": "ann",
        "content": "hi",
    }


def test_during_a_switch_both_users_are_right(told, events):
    told.did("start", user="ann")
    told.begin_switch("bob")
    for message in ("of-ann", "of-bob", "of-eve"):
        told.handed(message)
    told.did("switch", user="bob")
    told.handed("of-ann")
    assert users(events) == ["ann", "bob", "bob", "bob"]


def test_a_page_that_says_for_whom_it_shows_a_message_is_believed(told, events):
    told.did("start", user="ann")
    told.handed("of-ann", user="bob")
    assert users(events) == ["bob"]


def test_what_was_done_is_recorded_with_the_user_and_more(told, events):
    told.did("start", user="ann")
    told.did("resume", slept_s=600)
    assert events[-1] == {
        "kind": "client_told",
        "client": "tab-1",
        "did": "resume",
        "user": "ann",
        "slept_s": 600,
    }


def test_lines_of_both_forms_are_messages_and_other_lines_are_the_programs_own():
    lines = [
        b'{"delivered": {"id": "a", "content": "hi"}}',
        b'{"id": "b"}',
        b'{"id": 7}',
        b"polling...",
        b'{"delivered": null}',
        b'{"delivered": {"id": null}}',
        b'{"level": "info"}',
        b"[1]",
        b'"id"',
        b"\xff",
    ]
    assert [message["id"] for message in delivered(b"\n".join(lines))] == ["a", "b", 7]
    assert json.loads(lines[0])["delivered"] in delivered(lines[0])
