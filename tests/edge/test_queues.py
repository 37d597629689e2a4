"""Looking into the queues of a real Redis: what is wrong with one is told in a sentence."""

import json

import pytest
import redis

from harness.errors import InfrastructureError
from harness.run.queues import Queues
from harness.run.recorded import Acked

KEY = "messages:bob"
LIMIT = 3


@pytest.fixture
def client(ours):
    with redis.Redis.from_url(ours.redis_direct_url) as client:
        yield client


@pytest.fixture
def queues(ours):
    return Queues(ours.redis_direct_url, limit=LIMIT)


def put(client, *contents, expires_in_s=60):
    client.lpush(KEY, *(json.dumps({"from": "alice", "message": content}) for content in contents))
    if expires_in_s:
        client.expire(KEY, expires_in_s)


def acked(*contents):
    """Messages of a server that does not keep its ids in Redis."""
    return [Acked(f"id of {content}", content) for content in contents]


def test_a_queue_that_has_every_acked_message_is_right(client, queues):
    put(client, "one", "two ✉", "unknown")
    assert queues.wrong("bob", acked("two ✉", "one")) == ""


def test_a_mailbox_without_messages_needs_no_queue(queues):
    assert queues.wrong("bob", []) == ""
    assert queues.wrong("bob", acked("one")) == "messages:bob is of the type none, not a list"


def test_a_full_queue_may_have_dropped_the_oldest(client, queues):
    put(client, "two", "three", "four")
    assert queues.wrong("bob", acked("one", "two", "three", "four")) == ""


def test_a_queue_that_lacks_an_acked_message_is_wrong(client, queues):
    put(client, "one")
    assert (
        queues.wrong("bob", acked("one", "two")) == "messages:bob lacks 1 of 2 acked messages, such as 'two'"
    )


def test_one_of_two_messages_that_say_the_same_is_missed(client, queues):
    put(client, "one", "two")
    assert "lacks 1 of 3" in queues.wrong("bob", acked("one", "one", "two"))


def test_a_message_is_known_by_its_id_where_the_queue_has_ids(client, queues):
    entries = (
        {"id": "1", "from": "alice", "message": "alice"},
        {"id": "2", "from": "alice", "message": "hi"},
    )
    client.lpush(KEY, *map(json.dumps, entries))
    client.expire(KEY, 60)
    assert queues.wrong("bob", [Acked("1", "alice"), Acked("2", "hi")]) == ""
    assert "lacks 1 of 3" in queues.wrong("bob", [Acked("1", "alice"), Acked("2", "hi"), Acked("3", "alice")])


def test_an_entry_may_be_an_array(client, queues):
    client.lpush(KEY, json.dumps([1, 2, "1", "alice", "bob", "hi", None]))
    client.expire(KEY, 60)
    assert queues.wrong("bob", [Acked("1", "hi")]) == ""
    assert "lacks 1 of 2" in queues.wrong("bob", [Acked("1", "hi"), Acked("2", "hi")])


def test_a_queue_that_grew_too_long_is_wrong(client, queues):
    put(client, "one", "two", "three", "four")
    assert queues.wrong("bob", acked("four")) == "messages:bob has 4 entries, more than 3"


def test_a_queue_that_never_expires_is_wrong(client, queues):
    put(client, "one", expires_in_s=None)
    assert queues.wrong("bob", acked("one")) == "messages:bob has no TTL"


@pytest.mark.parametrize("entry", [b"not json", b"[]", b"[1, 2]", b'{"message": 1}', b"\xff"])
def test_an_entry_that_is_no_message_is_told(client, queues, entry):
    put(client, "one")
    client.lpush(KEY, entry)
    assert queues.wrong("bob", acked("one")).startswith("messages:bob has an entry that is not a message: ")


def test_another_type_is_told(client, queues):
    client.set(KEY, "a string")
    assert queues.wrong("bob", acked("one")) == "messages:bob is of the type string, not a list"
    assert queues.wrong("bob", []) == ""  # a server that knows a mailbox to be empty need not read it


def test_a_redis_that_does_not_answer_blames_nobody(ours, queues):
    ours.redis.kill()
    with pytest.raises(InfrastructureError, match="cannot be read"):
        queues.wrong("bob", [])


def test_a_look_tells_how_long_a_queue_is_and_how_long_it_lives(client, queues):
    assert queues.look("bob") == {"key": KEY, "type": "none", "length": 0, "ttl_ms": -2}
    put(client, "one", "two")
    seen = queues.look("bob")
    assert (seen["type"], seen["length"]) == ("list", 2)
    assert 0 < seen["ttl_ms"] <= 60_000


def test_a_key_without_an_expiry_is_named_whosever_it_is(client, queues):
    put(client, "one")
    client.set("somebody's", "x")
    seen = queues.look_at_all_keys()
    assert (seen["without_ttl"], seen["named"]) == (1, ["somebody's"])
    assert seen["count"] >= 2
