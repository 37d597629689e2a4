"""Workers agree through one document on which Redis serves each slot."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from reference_server.adapters.cluster_keys import SLOTS
from reference_server.adapters.slot_owners import UNKNOWN, Range, SlotOwners, compressed, expanded
from reference_server.errors import StoreUnavailable
from tests.unit.server.fake_cluster import MemoryOwners

FIRST_HALF = range(SLOTS // 2)


@pytest.fixture
def document() -> MemoryOwners:
    return MemoryOwners()


def owners_of(document: MemoryOwners) -> SlotOwners:
    return SlotOwners(document, document.epoch)


def test_a_slot_has_no_owner_before_a_worker_found_one(document: MemoryOwners) -> None:
    owners = owners_of(document)
    owners.refresh()
    assert owners.writer(7) == UNKNOWN


def test_an_owner_is_written_down_with_all_slots_of_its_node_at_once(document: MemoryOwners) -> None:
    owners, other_worker = owners_of(document), owners_of(document)
    owners.take(7, "redis-a", FIRST_HALF)
    assert document.writes == 1
    other_worker.refresh()
    assert other_worker.writer(8) == owners.writer(7) == owners.writer(8)
    assert other_worker.writer(8)[0] == "redis-a"
    assert other_worker.writer(SLOTS - 1) == UNKNOWN


def test_two_workers_that_find_the_same_owner_have_the_same_epoch(document: MemoryOwners) -> None:
    one, other = owners_of(document), owners_of(document)
    one.take(7, "redis-a", FIRST_HALF)
    other.take(7, "redis-a", FIRST_HALF)
    assert one.writer(7) == other.writer(7)
    assert document.writes == 1


def test_a_slot_that_comes_back_to_a_former_owner_has_a_new_epoch(document: MemoryOwners) -> None:
    """The former owner may have kept what it held of the slot, without what was pushed elsewhere."""
    owners = owners_of(document)
    owners.take(7, "redis-a", FIRST_HALF)
    before = owners.writer(7)
    owners.take(7, "redis-b", ())
    owners.take(7, "redis-a", FIRST_HALF)
    assert owners.writer(7)[0] == "redis-a"
    assert owners.writer(7) != before
    assert owners.writer(8) == before  # this slot was never somewhere else


def test_slots_of_another_owner_are_left_alone(document: MemoryOwners) -> None:
    owners = owners_of(document)
    owners.take(7, "redis-a", FIRST_HALF)
    owners.take(9000, "redis-b", range(SLOTS))  # a worker that believes that all is at one node
    assert owners.writer(7)[0] == "redis-a"


def test_an_owner_is_not_used_before_it_is_written_down(document: MemoryOwners) -> None:
    class Busy(MemoryOwners):
        def replace(self, version: str, new_version: str, ranges: Sequence[Range]) -> bool:
            return False

    owners = owners_of(Busy())
    with pytest.raises(StoreUnavailable):
        owners.take(7, "redis-a", ())
    assert owners.writer(7) == UNKNOWN


def test_a_worker_that_was_overtaken_adopts_what_the_other_wrote(document: MemoryOwners) -> None:
    class Overtaken(MemoryOwners):
        def replace(self, version: str, new_version: str, ranges: Sequence[Range]) -> bool:
            if not self.writes:
                super().replace(version, "by another worker", [(7, 7, "redis-a", "its epoch")])
            return super().replace(version, new_version, ranges)

    owners = owners_of(Overtaken())
    owners.take(7, "redis-a", ())
    assert owners.writer(7) == ("redis-a", "its epoch 1")


def test_a_single_redis_that_was_used_meanwhile_ends_the_epoch_of_every_slot(document: MemoryOwners) -> None:
    owners = owners_of(document)
    owners.take(7, "redis-a", FIRST_HALF)
    before = owners.writer(7)
    document.epoch("a single Redis")
    owners.refresh()
    assert owners.writer(7)[0] == "redis-a"
    assert owners.writer(7) != before


@pytest.mark.parametrize(
    "ranges",
    [[], [(0, SLOTS - 1, "a", "1")], [(0, 0, "a", "1"), (1, 1, "a", "2"), (5, 9, "b", "3")]],
)
def test_owners_are_stored_as_ranges(ranges: list[Range]) -> None:
    assert compressed(expanded(ranges)) == ranges
