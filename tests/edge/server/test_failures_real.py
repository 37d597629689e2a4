"""The storage of failed sign-ins on real MongoDB: one count for all workers, and nothing kept for long."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from reference_server.adapters.mongo import Mongo
from reference_server.adapters.mongo_counts import MongoCounts
from reference_server.errors import StoreUnavailable, TooManyAttempts
from reference_server.rate_limit import SignInFailures

HOME = "192.0.2.1"


@pytest.fixture
def workers(mongodb: Mongo) -> list[SignInFailures]:
    return [
        SignInFailures(MongoCounts(mongodb, "sign_in_failures"), per_account=5, per_address=50)
        for _ in range(2)
    ]


def fails(failures: SignInFailures, account: str = "alice") -> bool:
    """Whether a failure was within the limits."""
    try:
        failures.check(account, HOME)
        failures.add(account, HOME)
    except TooManyAttempts:
        return False
    return True


def test_two_workers_count_together(workers: list[SignInFailures]) -> None:
    one, other = workers
    assert [fails(worker) for worker in (one, other, one, other, one)] == [True] * 5
    assert not fails(other)
    with pytest.raises(TooManyAttempts) as refusal:
        one.check("alice", HOME)
    assert 1 <= refusal.value.retry_after_s <= 60
    assert fails(one, "bob")


def test_of_many_at_the_same_moment_only_as_many_as_are_legal(workers: list[SignInFailures]) -> None:
    with ThreadPoolExecutor(20) as pool:
        allowed = list(pool.map(lambda number: fails(workers[number % 2]), range(40)))
    assert sum(allowed) == 5


def test_first_failures_of_many_at_the_same_moment_are_no_collision(workers: list[SignInFailures]) -> None:
    with ThreadPoolExecutor(20) as pool:
        allowed = list(pool.map(lambda number: fails(workers[number % 2], f"user{number}"), range(20)))
    assert all(allowed)


def test_mongodb_forgets_them_by_itself(mongodb: Mongo, workers: list[SignInFailures]) -> None:
    assert fails(workers[0])
    collection = mongodb.collection("sign_in_failures")
    assert {"expireAt"} == {
        key for index in collection.list_indexes() if "expireAfterSeconds" in index for key in index["key"]
    }
    assert all("expireAt" in kept for kept in collection.find({}))


def test_no_name_is_stored_as_it_is(mongodb: Mongo, workers: list[SignInFailures]) -> None:
    assert fails(workers[0], "alice")
    assert not [kept for kept in mongodb.collection("sign_in_failures").find({}) if "alice" in kept["_id"]]


def test_behind_an_open_breaker_nobody_signs_in(mongodb: Mongo, workers: list[SignInFailures]) -> None:
    mongodb.breaker.open(ConnectionError("gone"))
    with pytest.raises(StoreUnavailable):
        workers[0].check("alice", HOME)
    with pytest.raises(StoreUnavailable):
        workers[0].add("alice", HOME)
