"""All keys of a mailbox are in one slot, whatever the name of its user."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redis.crc import key_slot

from reference_server.adapters.cluster_keys import SLOTS, keys_of, probe_keys, slot_of
from reference_server.auth import check_username
from reference_server.errors import InvalidRequest, Refused


def slots(keys: list[str]) -> set[int]:
    return {key_slot(key.encode()) for key in keys}


@given(st.from_regex(r"[\w.@+-]{3,64}", fullmatch=True))
@example("@@@")
@example("...")
@example("ñandú+٣")
@example("messages")
def test_the_list_and_its_record_are_in_the_slot_of_the_list(name: str) -> None:
    keys = keys_of(name)
    assert keys[0] == f"messages:{name}"
    assert slots(keys) == {slot_of(name)} == slots([f"messages:{name}"])


@pytest.mark.parametrize("name", ["a{b}c", "{}ab", "a}b", "{messages:bob}", "a{b", "}{a"])
def test_a_name_with_braces_is_not_one_of_a_user_and_has_no_keys(name: str) -> None:
    with pytest.raises(Refused):
        keys_of(name)
    with pytest.raises(InvalidRequest):
        check_username(name)


@pytest.mark.parametrize("slot", [0, 1, 5461, SLOTS - 1])
def test_a_probe_writes_in_a_slot_of_its_node_where_no_user_has_a_mailbox(slot: int) -> None:
    keys = probe_keys({slot})
    assert slots(keys) == {slot}
    assert keys[0].startswith("messages:{")
