"""Which faults are asked for, and which of them a target can have."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.chaos import possible as module
from harness.chaos.catalog import CATALOG, ON_REQUEST
from harness.chaos.possible import chosen, possible
from harness.errors import NotHere, UsageError
from harness.policy import Features, Policy
from harness.stack import Found
from harness.targets.profile import Profile

OURS = {
    service: Found(service, "1.0", "PATH", binary=Path("/bin/true"))
    for service in ("redis", "mongod", "toxiproxy")
}
THEIRS = {service: Found(service, "1.0", "environment", url="x://host") for service in OURS}
MINE = Profile("mine", ("serve",))


@pytest.fixture(autouse=True)
def clocks(monkeypatch):
    """A machine whose clocks can be set."""
    monkeypatch.setattr(module, "faketime_library", lambda: Path("/lib/faketime.so"))


def names(kinds):
    return [kind.full_name for kind in kinds]


def test_without_a_pattern_everything_is_asked_for():
    assert chosen(CATALOG, []) == list(CATALOG)


def test_a_store_a_fault_or_a_pattern_may_be_asked_for():
    assert {kind.store for kind in chosen(CATALOG, ["mongodb", "SERVER"])} == {"mongodb", "server"}
    assert names(chosen(CATALOG, ["redis not JSON"])) == ["redis not JSON"]
    assert names(chosen(CATALOG, ["* refused"])) == ["redis refused", "mongodb refused"]


def test_a_kind_on_request_is_asked_for_by_its_name_alone():
    kinds = (*CATALOG, *ON_REQUEST)
    assert chosen(kinds, []) == list(CATALOG)
    assert chosen(kinds, ["mongodb"]) == chosen(CATALOG, ["mongodb"])
    assert names(chosen(kinds, ["Redis Disk Full"])) == ["redis disk full"]
    with pytest.raises(UsageError, match="'\\* full' is neither a store nor a fault"):
        chosen(kinds, ["* full"])


def test_without_disks_to_break_what_needs_them_is_left_out(monkeypatch):
    def missing():
        raise NotHere("No disk can be broken here.")

    monkeypatch.setattr(module, "require_disks", missing)
    kinds, left_out = possible(ON_REQUEST, MINE, OURS)
    assert names(kinds) == ["redis expired"]
    assert {reason: names(those) for reason, those in left_out.items()} == {
        "No disk can be broken here": ["redis disk full", "mongodb disk full", "mongodb power cut"]
    }


def test_a_pattern_that_matches_nothing_is_told_with_what_is_near():
    with pytest.raises(UsageError, match=r"'mongo' is neither a store nor a fault\. Did you mean mongodb"):
        chosen(CATALOG, ["redis", "mongo"])


def test_where_everything_can_be_had_nothing_is_left_out():
    assert possible(CATALOG, MINE, OURS) == (list(CATALOG), {})


def test_of_stores_that_are_not_ours_only_the_network_is_broken():
    kinds, left_out = possible(CATALOG, MINE, THEIRS)
    network = {"refused", "black-holed", "slow", "flapping"}
    assert {kind.name for kind in kinds if kind.store in ("redis", "mongodb")} == network
    assert list(left_out) == [
        "the Redis of REDIS_URL must not be broken",
        "the MongoDB of MONGODB_URL must not be broken",
    ]


def test_queues_are_damaged_only_where_they_are_known():
    _, left_out = possible(CATALOG, replace(MINE, stores_as_the_contract=False), OURS)
    (kinds,) = left_out.values()
    assert names(kinds) == ["redis wrong type", "redis not JSON"]


def test_a_hang_up_is_drawn_where_the_server_serves_on_after_one():
    assert "signal hang-up" in names(possible(CATALOG, MINE, OURS)[0])
    kinds, left_out = possible(CATALOG, replace(MINE, has=Features(hang_up=False)), OURS)
    assert "signal hang-up" not in names(kinds)
    assert list(left_out) == ["the target's profile says hang_up = false"]


def test_what_nothing_has_to_recover_from_is_known():
    harmless = {"clock off", "clock stepping", "clock stopped", "signal hang-up"}
    assert {kind.full_name for kind in CATALOG if kind.is_harmless} == harmless


def test_a_hang_up_is_the_servers_and_a_fail_over_is_apart_from_what_rebuilds_the_lists():
    known = {kind.full_name: kind for kind in CATALOG}
    assert "signal hang-up" in names(chosen(CATALOG, ["server"]))
    assert not known["signal hang-up"].stands_beside(known["server killed"])
    assert not known["redis failed over"].stands_beside(known["mongodb slow"])
    assert known["redis failed over"].stands_beside(known["server killed"])


def test_where_no_clock_can_be_set_that_is_said(monkeypatch):
    def missing():
        raise NotHere("libfaketime is missing.")

    monkeypatch.setattr(module, "faketime_library", missing)
    kinds, left_out = possible(CATALOG, MINE, OURS)
    assert "clock" not in {kind.store for kind in kinds}
    assert [(reason, len(clocks)) for reason, clocks in left_out.items()] == [("libfaketime is missing", 3)]
    with pytest.raises(UsageError, match="is possible: libfaketime is missing"):
        possible(chosen(CATALOG, ["clock"]), MINE, OURS)


def test_a_clock_is_not_read_from_polls_that_nobody_answers():
    kinds, _ = possible(CATALOG, replace(MINE, policy=Policy(polls_without_redis="unavailable")), OURS)
    clocks = [kind for kind in kinds if kind.store == "clock"]
    others = [kind for kind in kinds if kind.store != "clock"]
    assert not any(clock.stands_beside(other) for clock in clocks for other in others)
