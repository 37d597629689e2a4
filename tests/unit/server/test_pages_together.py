"""Polls that come while MongoDB is asked share the next query, and each gets its own page, or the failure."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from pymongo.read_concern import ReadConcern

from harness.stack import wait_until
from reference_server.adapters import mongo_pages
from reference_server.adapters.mongo_pages import MOST_EACH, Pages
from reference_server.errors import StoreUnavailable
from reference_server.interfaces import Page
from tests.unit.server.crowd import FIRST, Crowd

NOTHING = Page([], has_more=False, gap=False)


class MongoDB:
    """Answers the first query when a test lets it; `fails` is what a query raises."""

    is_sharded = False

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.queries: list[list[str]] = []
        self.held: dict[str, int] = {}
        """How many messages a mailbox has: no. N at N microseconds."""
        self.fails: Exception | None = None

    def durable(self, name: str) -> Any:
        return SimpleNamespace(name=name, read_concern=ReadConcern("majority"), database=self)

    @contextmanager
    def operation(self) -> Iterator[None]:
        yield

    def command(self, query: Mapping[str, Any]) -> dict[str, Any]:
        asked = query["filter"].get("$or", [query["filter"]])
        self.queries.append([each["recipient"] for each in asked])
        if self.queries[-1] == [FIRST]:
            assert self.may_answer.wait(30)
        if self.fails:
            raise self.fails
        found = [
            {"_id": "id", "recipient": each["recipient"], "seq": seq, "sender": "alice", "content": "hi"}
            | {"timestamp_us": seq}
            for each in asked
            for seq in range(max(1, each["timestamp_us"]["$gte"]), self.held.get(each["recipient"], 0) + 1)
        ]
        return {"ok": 1, "cursor": {"id": 0, "firstBatch": found[: query["limit"]]}}


class Polls(Crowd):
    """Those who poll while the query of the first is under way."""

    def __init__(self) -> None:
        self.mongodb = MongoDB()
        self.pages = Pages(self.mongodb)  # type: ignore[arg-type]  # it has what they ask for
        super().__init__(self.pages._turns, StoreUnavailable, self.mongodb.may_answer)
        self.poll(FIRST)
        wait_until(lambda: self.mongodb.queries == [[FIRST]], deadline_s=10, what="the first query")

    def poll(self, *mailboxes: str) -> None:
        for mailbox in mailboxes:
            self.begin(mailbox, partial(self.pages.after, mailbox, 1, 100))


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Iterator[Polls]:
    monkeypatch.setattr(mongo_pages, "LONGEST_WAIT_S", 30)
    crowd = Polls()
    yield crowd
    crowd.end()


def test_those_who_wait_share_a_query_that_is_sent_after_they_came(crowd: Polls) -> None:
    crowd.poll("bob", "carol", "dave")
    crowd.mongodb.held = {"bob": 3, "dave": 1}
    pages = crowd.end_of_others()
    assert [message.seq for message in pages["bob"].messages] == [2, 3]
    assert pages["carol"] == pages["dave"] == NOTHING
    assert crowd.mongodb.queries == [[FIRST], ["bob", "carol", "dave"]]


def test_if_they_have_too_much_new_each_asks_alone(crowd: Polls) -> None:
    crowd.poll("bob", "carol")
    crowd.mongodb.held = {"bob": 2 * MOST_EACH}
    pages = crowd.end_of_others()
    assert len(pages["bob"].messages) == 2 * MOST_EACH - 1
    assert pages["carol"] == NOTHING
    assert crowd.mongodb.queries[:2] == [[FIRST], ["bob", "carol"]]
    assert sorted(crowd.mongodb.queries[2:]) == [["bob"], ["carol"]]


def test_a_failure_is_told_to_all_of_the_query(crowd: Polls) -> None:
    crowd.poll("bob", "carol")
    crowd.mongodb.fails = StoreUnavailable("MongoDB: silence")
    assert crowd.end_of_others() == dict.fromkeys(("bob", "carol"), crowd.mongodb.fails)


def test_a_slow_query_holds_up_no_one(crowd: Polls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo_pages, "LONGEST_WAIT_S", 0.001)
    assert crowd.pages.after("bob", 1, 100) == NOTHING
    assert crowd.mongodb.queries == [[FIRST], ["bob"]]


def test_shards_are_asked_side_by_side(crowd: Polls) -> None:
    """One that is slow or away would hold up the polls of all."""
    crowd.mongodb.is_sharded = True
    assert crowd.pages.after("bob", 1, 100) == NOTHING
    assert crowd.mongodb.queries == [[FIRST], ["bob"]]
