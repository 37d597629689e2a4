"""Faults of the disks, files and clocks of real stores: each takes effect, and is gone after the heal."""

import pymongo
import pytest
import redis

from harness.errors import UsageError
from harness.faults import FaultInjector
from harness.stack import wait_until

MAILBOX, KEY, TEXT = "bob", "messages:bob", "The price is 100"
DAYS = 40


@pytest.fixture
def journal():
    return []


@pytest.fixture
def faults(ours, journal, disks):
    return FaultInjector(ours, lambda kind, **fields: journal.append({"kind": kind, **fields}))


@pytest.fixture
def client(ours):
    """Through the proxy, as the server under test is connected."""
    with redis.Redis.from_url(ours.redis_url, decode_responses=True) as client:
        client.rpush(KEY, f'["{TEXT}", "alice"]')
        client.expire(KEY, 3600)
        yield client


def proof(journal):
    """What the fault was seen by when it took effect, and what was seen after the heal."""
    return [event["probe"] for event in journal if event.get("phase") in ("active", "healed")]


def documents(ours):
    with pymongo.MongoClient(ours.mongodb_direct_url) as client:
        return {document["_id"] for document in client.test.durability.find()}


def insert(ours, text, **more):
    concern = pymongo.WriteConcern("majority", j=True)
    with pymongo.MongoClient(ours.mongodb_direct_url) as client:
        client.test.get_collection("durability", write_concern=concern).insert_one({"_id": text, **more})


@pytest.fixture
def nothing_stored(ours):
    with pymongo.MongoClient(ours.mongodb_direct_url) as client:
        client.test.durability.drop()


def test_mongodb_is_away_while_it_has_no_power_or_no_space_and_keeps_what_it_has_acked(
    ours, faults, journal, nothing_stored
):
    insert(ours, "before everything")
    with faults.mongodb_restarted():
        pass
    insert(ours, "before the power cut")
    with faults.mongodb_power_cut():
        pass
    insert(ours, "before the disk is full")
    with faults.mongodb_disk_full():
        pass
    assert documents(ours) == {"before everything", "before the power cut", "before the disk is full"}
    assert proof(journal) == ["closed", "answered"] * 3


def test_mongodb_deletes_at_once_what_expires_by_its_clock(ours, faults, journal, nothing_stored):
    with faults.mongodb_restarted_with_clock():
        pass
    with pymongo.MongoClient(ours.mongodb_direct_url) as client:
        collection = client.test.durability
        collection.create_index("at", expireAfterSeconds=(DAYS - 1) * 86_400)
        told = client.admin.command("hello")["localTime"]
        insert(ours, "expires", at=told)
        insert(ours, "stays")
        with faults.mongodb_clock_ahead(DAYS):
            wait_until(lambda: documents(ours) == {"stays"}, deadline_s=20, what="the other to be deleted")
    assert proof(journal)[2:] == [f"{DAYS} days ahead", "0 days ahead"]


def test_a_redis_without_space_reads(faults, client, journal):
    with faults.redis_disk_full():
        assert client.llen(KEY) == 0
        with pytest.raises(redis.ResponseError, match="MISCONF"):
            client.lpush(KEY, "more")
    assert client.lpush(KEY, "more") == 1
    assert client.config_get("save") == {"save": ""}
    assert proof(journal) == ["disk full", "written"]


@pytest.mark.parametrize("how", ["cut short", "flipped"])
def test_redis_does_not_start_with_a_damaged_snapshot(faults, client, journal, how):
    with faults.redis_dump_damaged(how), pytest.raises(redis.ConnectionError):
        client.ping()
    assert not client.exists(KEY)
    assert proof(journal) == ["closed", "answered"]


def test_an_altered_message_is_loaded_as_any_other(faults, client):
    with faults.redis_altered(MAILBOX, TEXT):
        assert client.lrange(KEY, 0, -1) == ['["Uhe price is 100", "alice"]']


def test_what_has_a_lifetime_expires_again_and_again(faults, client, journal):
    with faults.redis_expired([MAILBOX]):
        assert client.exists(KEY) == 0
        client.set("head:bob", "without a TTL")
        client.set(KEY, "with a TTL", ex=3600)
        wait_until(lambda: not client.exists(KEY), deadline_s=10, what="it to expire once more")
    assert client.get("head:bob") == "without a TTL"
    assert proof(journal) == ["expired", "answered"]


def test_a_power_cut_needs_a_disk_and_a_jump_a_clock(faults):
    with pytest.raises(UsageError, match="mongodb_restarted"):
        faults.mongodb_power_cut()
    with pytest.raises(UsageError, match="mongodb_restarted_with_clock"):
        faults.mongodb_clock_ahead(1)
