"""What befalls Redis itself, on a real one: each fault is there, shows, and is gone after the heal."""

import pytest
import redis

from harness.errors import UsageError
from harness.faults import FaultInjector
from harness.stack import wait_until

MAILBOX = "bob"
KEY = "messages:bob"
ENTRIES = [f'{{"message": "message {number}", "from": "alice"}}' for number in range(3)]


@pytest.fixture
def journal():
    return []


@pytest.fixture
def faults(ours, journal):
    return FaultInjector(ours, lambda kind, **fields: journal.append({"kind": kind, **fields}))


@pytest.fixture
def client(ours):
    """Through the proxy, as the server under test is connected."""
    with redis.Redis.from_url(ours.redis_url, decode_responses=True) as client:
        client.rpush(KEY, *ENTRIES)
        yield client


def proof(journal):
    """What the fault was seen by when it took effect, and what was seen after the heal."""
    return [event["probe"] for event in journal if event.get("phase") in ("active", "healed")]


def watched(journal, times=1):
    wait_until(
        lambda: len([event for event in journal if event["kind"] == "probe"]) >= times,
        deadline_s=10,
        what=f"{times} looks during the fault",
    )
    return {event["saw"] for event in journal if event["kind"] == "probe"}


def test_a_killed_redis_is_away_and_comes_back_empty(faults, client, journal):
    with faults.redis_killed():
        with pytest.raises(redis.ConnectionError):
            client.ping()
        assert watched(journal) == {"closed"}
    assert not client.exists(KEY)
    assert proof(journal) == ["closed", "answered"]


def test_a_restarted_redis_is_empty_and_another_process(ours, faults, client, journal):
    with faults.redis_restarted():
        assert not client.exists(KEY)
    assert proof(journal) == ["another process without data", "answered"]


def test_a_restored_redis_has_what_its_snapshot_had(faults, client, journal):
    old = faults.redis_snapshot()
    client.rpush(KEY, "after the snapshot")
    with faults.redis_restarted(back_from=old):
        assert client.lrange(KEY, 0, -1) == ENTRIES
    assert proof(journal) == ["another process with old data", "answered"]


def test_a_read_only_redis_reads(faults, client, journal):
    with faults.redis_read_only():
        assert client.llen(KEY) == len(ENTRIES)
        with pytest.raises(redis.ReadOnlyError):
            client.lpush(KEY, "more")
    assert client.lpush(KEY, "more") == len(ENTRIES) + 1
    assert proof(journal) == ["read-only", "written"]


def test_a_redis_out_of_memory_reads(faults, client, journal):
    before = client.config_get("maxmemory")
    with faults.redis_out_of_memory():
        assert client.llen(KEY) == len(ENTRIES)
        with pytest.raises(redis.OutOfMemoryError):
            client.lpush(KEY, "more")
    assert client.lpush(KEY, "more") == len(ENTRIES) + 1
    assert client.config_get("maxmemory") == before
    assert proof(journal) == ["out of memory", "written"]


@pytest.mark.parametrize("demoted", [False, True])
def test_a_redis_that_failed_over_comes_back_as_it_was(faults, client, journal, demoted):
    with faults.redis_replica() as replica:
        before = client.info("replication")["master_replid"]
        with faults.redis_failed_over(replica, demoted=demoted):
            assert client.lrange(KEY, 0, -1) == ENTRIES
            client.rpush(KEY, "while the replica took its place")
            assert client.info("replication")["master_replid"] != before
            assert watched(journal) == {"its replica"}
        assert client.lrange(KEY, 0, -1) == ENTRIES
        assert (client.info("replication")["master_replid"] == before) is not demoted
    assert client.lpush(KEY, "more") == len(ENTRIES) + 1
    assert proof(journal) == ["its replica", "the first one"]


def test_a_redis_denies_what_it_is_told_to(faults, client, journal):
    with faults.redis_denying("-info", "-@write"):
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.info()
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.lpush(KEY, "more")
        assert client.llen(KEY) == len(ENTRIES)
        assert watched(journal) == {"denied"}
    assert client.lpush(KEY, "more") == len(ENTRIES) + 1
    assert client.info()
    assert proof(journal) == ["denied", "answered"]


def test_a_flapping_redis_is_away_and_back_again_and_again(faults, client, journal):
    with faults.redis_flapping():
        assert watched(journal, times=2) == {"flapped"}
    assert client.ping()
    assert proof(journal) == ["flapped", "answered"]


def test_the_wrong_type_comes_back_after_each_repair(faults, client, journal):
    with faults.redis_wrong_type([MAILBOX, "carol"]):
        assert {client.type(KEY), client.type("messages:carol")} <= {"string", "hash"}
        client.delete(KEY)
        client.rpush(KEY, *ENTRIES)
        wait_until(lambda: client.type(KEY) != "list", deadline_s=5, what="the wrong type once more")
        assert watched(journal) == {"the wrong type"}
    assert proof(journal) == ["the wrong type", "answered"]


def test_the_wrong_type_lives_as_long_as_what_it_replaces(faults, client):
    """No server must read a mailbox that it knows to be empty, so what is left there must end by itself."""
    client.rpush("messages:dave", *ENTRIES)
    client.expire("messages:dave", 600)
    with faults.redis_wrong_type([MAILBOX, "carol", "dave"]):
        pass
    assert client.ttl(KEY) == -1
    assert 3_500 < client.ttl("messages:carol") <= 3_600
    assert 500 < client.ttl("messages:dave") <= 600


def test_nonsense_is_put_before_the_newest_and_instead_of_the_newest_the_oldest_and_one_between(
    faults, client, journal
):
    with faults.redis_not_json([MAILBOX]):
        watched(journal, times=3)
        entries = client.lrange(KEY, 0, -1)
    assert len(entries) == len(ENTRIES) + 1
    assert not {entries[0], entries[2], entries[-1]} & set(ENTRIES)
    assert entries[1] == ENTRIES[0]
    assert proof(journal) == ["nonsense", "answered"]


def test_a_list_that_is_away_for_a_moment_is_struck_when_it_is_back(faults, client):
    client.delete(KEY)
    with faults.redis_not_json([MAILBOX]):
        assert client.llen(KEY) == 1


def test_a_redis_that_is_not_ours_is_never_broken(faults, ours, monkeypatch):
    monkeypatch.setattr(ours, "redis", None)
    for fault in (faults.redis_killed, faults.redis_restarted, faults.redis_read_only):
        with pytest.raises(UsageError, match="is not ours"):
            fault()
