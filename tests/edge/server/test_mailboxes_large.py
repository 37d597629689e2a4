"""Mailboxes with as many messages as are kept, and more: any page size reads each message once, in order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pymongo
import pytest
import redis
from pymongo.collection import Collection

from harness.stack import Services
from harness.stack.target_process import Target
from reference_server.adapters.mongo import Document
from reference_server.message import new_id
from tests.edge.server.process import Chat

KEPT = 1000
MORE = 7
SENT = 20
Page = dict[str, Any]


def fill(chat: Chat, messages: Collection[Document], count: int) -> None:
    """Let alice have sent bob so many: the last ones by this server, the others as if by one before it."""
    first_us = time.time_ns() // 1000 - count
    pair = {"sender": chat.alice.username, "recipient": chat.bob.username}
    messages.insert_many(
        pair | {"_id": new_id(first_us), "seq": seq, "content": f"no. {seq}", "timestamp_us": first_us + seq}
        for seq in range(1, count - SENT + 1)
    )
    assert [chat.send().body["seq"] for _ in range(SENT)] == [*range(count - SENT + 1, count + 1)]


def chain(chat: Chat, limit: int | None, since: str | None = None) -> list[Page]:
    """The pages of a chain of polls, to its end."""
    pages: list[Page] = []
    parameters = {} if limit is None else {"limit": str(limit)}
    while not pages or pages[-1]["has_more"]:
        answer = chat.poll(since, **parameters)
        assert answer.status == 200, answer
        pages.append(dict(answer.body))
        since = answer.body["next_since"]
    return pages


def seqs(pages: list[Page]) -> list[int]:
    return [message["seq"] for page in pages for message in page["messages"]]


@pytest.fixture(scope="module")
def filled(server: Target, services: Services) -> Iterator[tuple[Chat, Chat]]:
    """Two mailboxes: one with exactly what is kept, one that has dropped some."""
    chats = Chat(server.base_url), Chat(server.base_url)
    with pymongo.MongoClient[Document](services.mongodb_direct_url) as client:
        messages = client[server.env["MONGODB_DATABASE"]]["messages"]
        for chat, count in zip(chats, (KEPT, KEPT + MORE), strict=True):
            fill(chat, messages, count)
    yield chats
    for chat in chats:
        chat.close()


@pytest.fixture
def full(filled: tuple[Chat, Chat]) -> Chat:
    return filled[0]


@pytest.fixture
def overfull(filled: tuple[Chat, Chat]) -> Chat:
    return filled[1]


@pytest.mark.parametrize("limit", [2, 7, 49, 50, 51, 99, 100, None])
def test_it_is_read_page_by_page_each_message_once(full: Chat, limit: int | None) -> None:
    pages = chain(full, limit)
    assert seqs(pages) == [*range(1, KEPT + 1)]
    assert {page["count"] for page in pages[:-1]} <= {limit or 50}
    assert len(pages) == -(-KEPT // (limit or 50)), (
        "a page was not full, or there was an empty one at the end"
    )
    assert {(page["source"], page["gap"]) for page in pages} == {("redis", False)}


def test_one_message_at_a_time_is_as_good(full: Chat) -> None:
    since = chain(full, 100)[-2]["next_since"]
    pages = chain(full, 1, since)
    assert seqs(pages) == [*range(KEPT - 99, KEPT + 1)]
    assert len(pages) == 100


@pytest.mark.parametrize("limit", [1, 50, 99, 100])
@pytest.mark.parametrize("left", [0, 1, 49, 50, 51, 99, 100, 101])
def test_a_page_says_whether_more_follows_exactly(full: Chat, left: int, limit: int) -> None:
    stamps = [message["timestamp"] for page in chain(full, 100) for message in page["messages"]]
    page = full.poll(stamps[KEPT - left - 1], limit=str(limit)).body
    assert page["count"] == min(left, limit)
    assert page["has_more"] == (left > limit)
    assert page["next_since"] == stamps[KEPT - left - 1 + page["count"]]


def test_the_conversation_has_the_same_from_its_other_end(full: Chat) -> None:
    found: list[int] = []
    query = {"limit": "99"}
    while True:
        path = f"/api/users/messages/conversation/{full.bob.username}"
        page = full.alice.call("GET", path, parameters=query).body
        found += [message["seq"] for message in page["messages"]]
        if not page["has_more"]:
            break
        query["before"] = page["next_before"]
    assert found == [*range(KEPT, 0, -1)]


class TestOverfull:
    def test_a_new_chain_starts_at_the_oldest_that_is_kept_and_says_that_there_was_more(
        self, overfull: Chat
    ) -> None:
        pages = chain(overfull, 100)
        assert seqs(pages) == [*range(MORE + 1, KEPT + MORE + 1)]
        assert [page["gap"] for page in pages] == [True] + [False] * 9

    def test_whoever_has_an_older_cursor_gets_all_of_them(self, overfull: Chat) -> None:
        since = "2026-01-01T00:00:00Z"
        pages = chain(overfull, 100, since)
        assert seqs(pages) == [*range(1, KEPT + MORE + 1)]
        assert pages[0]["source"] == "mongodb"
        assert {(page["gap"], page["degraded"]) for page in pages} == {(False, False)}

    def test_a_chain_goes_on_where_the_queue_begins_between_its_pages(self, overfull: Chat) -> None:
        messages = overfull.poll("2026-01-01T00:00:00Z", limit=str(MORE + 2)).body["messages"]
        stamps = [message["timestamp"] for message in messages]
        for read, since in enumerate(stamps, 1):
            assert seqs([overfull.poll(since, limit="3").body]) == [read + 1, read + 2, read + 3]

    def test_the_queue_holds_what_is_kept_and_is_the_same_when_rebuilt(
        self, overfull: Chat, services: Services
    ) -> None:
        before = chain(overfull, 100)
        key = f"messages:{overfull.bob.username}"
        with redis.Redis.from_url(services.redis_direct_url, protocol=2) as keys:
            assert keys.llen(key) == KEPT
            keys.delete(key)
            after = chain(overfull, 100)
            assert keys.llen(key) == KEPT
        assert [page["messages"] for page in after] == [page["messages"] for page in before]
        assert [page["gap"] for page in after] == [page["gap"] for page in before]
