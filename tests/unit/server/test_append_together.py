"""Appends that wait for another one share a command, and each gets the part of the reply that is its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from pymongo import errors

from harness.stack import wait_until
from reference_server.adapters import mongo_together
from reference_server.adapters.heads import STEADY, Known
from reference_server.adapters.mongo_after import Alone, Stop, append_after
from reference_server.adapters.mongo_store import MongoStore
from reference_server.adapters.mongo_together import Together
from reference_server.message import Draft, Head, place_after
from tests.unit.server.crowd import FIRST, Crowd

HEAD = Head(seq=4, timestamp_us=1000)
TAKEN = {"code": 11000, "errmsg": "E11000", "keyPattern": {"recipient": 1, "seq": 1}}
USED = {"code": 11000, "errmsg": "E11000", "keyPattern": {"sender": 1, "client_message_id": 1}}
STALE = {"code": 13388, "errmsg": "stale config"}


def document(recipient: str) -> dict[str, Any]:
    return {"_id": f"id of {recipient}", "recipient": recipient, "seq": 5, "content": "hi"}


class MongoDB:
    """Answers the command of the first when a test lets it; `replies` are those to the others, in turn."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.replies: list[dict[str, Any] | Exception] = []
        self.commands: list[list[str]] = []

    def run(self, updates: Sequence[dict[str, Any]]) -> dict[str, Any]:
        recipients = [update["q"]["recipient"] for update in updates if "_id" in update["q"]]
        self.commands.append(recipients)
        if recipients == [FIRST]:
            assert self.may_answer.wait(30)
            return {"ok": 1}
        reply = self.replies.pop(0) if self.replies else {"ok": 1}
        if isinstance(reply, Exception):
            raise reply
        return reply


class Appends(Crowd):
    """Those who append while the command of the first is under way."""

    def __init__(self) -> None:
        self.mongodb = MongoDB()
        self.together = Together(self.mongodb)
        super().__init__(self.together._turns, errors.PyMongoError, self.mongodb.may_answer)
        self.append(FIRST)
        wait_until(lambda: self.mongodb.commands == [[FIRST]], deadline_s=10, what="the first command")

    def append(self, *recipients: str) -> None:
        for recipient in recipients:
            self.begin(recipient, partial(append_after, self.together, HEAD, [document(recipient)]))


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Iterator[Appends]:
    monkeypatch.setattr(mongo_together, "LONGEST_WAIT_S", 30)
    crowd = Appends()
    yield crowd
    crowd.end()
    assert crowd.outcomes[FIRST] == (1, None)


def failing(index: int, failure: dict[str, Any]) -> dict[str, Any]:
    """Return the reply if update no. `index` fails. Each append has two: a check and an insert."""
    return {"ok": 1, "writeErrors": [{"index": index, **failure}]}


def test_those_who_wait_share_a_command(crowd: Appends) -> None:
    crowd.append("bob", "carol", "dave")
    assert crowd.end_of_others() == dict.fromkeys(("bob", "carol", "dave"), (1, None))
    assert crowd.mongodb.commands == [[FIRST], ["bob", "carol", "dave"]]


@pytest.mark.parametrize(
    ("index", "failure", "stop"),
    [(2, TAKEN, Stop.MOVED), (3, TAKEN, Stop.MOVED), (3, USED, Stop.CLIENT_ID_IN_USE)],
)
def test_a_failure_is_its_own_and_those_behind_it_are_sent_alone(
    crowd: Appends, index: int, failure: dict[str, Any], stop: Stop
) -> None:
    crowd.append("bob", "carol", "dave", "erin")
    crowd.mongodb.replies = [failing(index, failure)]
    outcomes = crowd.end_of_others()
    assert outcomes == {"bob": (1, None), "carol": (0, stop), "dave": (1, None), "erin": (1, None)}
    assert crowd.mongodb.commands[:2] == [[FIRST], ["bob", "carol", "dave", "erin"]]
    assert sorted(crowd.mongodb.commands[2:]) == [["dave"], ["erin"]]


def test_a_failure_of_an_unknown_kind_is_its_own(crowd: Appends) -> None:
    crowd.append("bob", "carol")
    crowd.mongodb.replies = [failing(2, STALE)]
    outcomes = crowd.end_of_others()
    assert outcomes["bob"] == (1, None)
    assert isinstance(outcomes["carol"], errors.WriteError)


def test_one_that_is_sent_alone_after_it_can_fail_by_itself(crowd: Appends) -> None:
    crowd.append("bob", "carol")
    crowd.mongodb.replies = [failing(0, TAKEN), failing(1, TAKEN)]
    assert crowd.end_of_others() == dict.fromkeys(("bob", "carol"), (0, Stop.MOVED))


@pytest.mark.parametrize("failures", [{}, failing(2, TAKEN)], ids=["all written", "some written"])
def test_what_is_not_durable_is_acked_to_no_one(crowd: Appends, failures: dict[str, Any]) -> None:
    crowd.append("bob", "carol")
    not_durable = {"writeConcernError": {"code": 64, "errmsg": "timed out"}}
    crowd.mongodb.replies = [{"ok": 1} | failures | not_durable]
    assert {type(outcome) for outcome in crowd.end_of_others().values()} == {errors.WriteConcernError}


def test_without_a_reply_the_outcome_is_unknown_to_all_of_the_command(crowd: Appends) -> None:
    crowd.append("bob", "carol")
    crowd.mongodb.replies = [errors.NetworkTimeout("silence")]
    assert {type(outcome) for outcome in crowd.end_of_others().values()} == {errors.NetworkTimeout}


def test_a_slow_command_holds_up_no_one(crowd: Appends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo_together, "LONGEST_WAIT_S", 0.001)
    assert append_after(crowd.together, HEAD, [document("bob")]) == (1, None)
    assert crowd.mongodb.commands == [[FIRST], ["bob"]]


class Sharding:
    """A MongoDB, of one shard or of several."""

    def __init__(self, *, is_sharded: bool) -> None:
        self.is_sharded = is_sharded

    def collection(self, name: str) -> object:
        return object()

    durable = collection


@pytest.mark.parametrize(
    ("in_a_row", "messages", "is_sharded", "shares"),
    [
        pytest.param(STEADY, 1, False, True, id="a client that stays at this worker"),
        pytest.param(STEADY - 1, 1, False, False, id="the place may be another worker's"),
        pytest.param(STEADY, 2, False, False, id="a batch of its own: a command has a largest size"),
        pytest.param(STEADY, 1, True, False, id="mongos would ask one shard after the other"),
    ],
)
def test_what_may_share_a_command(in_a_row: int, messages: int, is_sharded: bool, shares: bool) -> None:
    store = MongoStore(Sharding(is_sharded=is_sharded), window=5)  # type: ignore[arg-type]
    appended = [place_after(HEAD, Draft("id", "alice", "bob", "hi"), 0)] * messages
    assert isinstance(store._way(Known(HEAD, in_a_row), appended), Together if shares else Alone)
