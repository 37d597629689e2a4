"""A message's place in its mailbox, its id, and its entry in the queue."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_server.message import EMPTY, Draft, Head, Message, from_entry, new_id, place_after, to_entry

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
numbers = st.integers(0, 2**53)
all_messages = st.builds(
    Message,
    id=texts,
    seq=numbers,
    sender=texts,
    recipient=texts,
    content=texts,
    timestamp_us=numbers,
    client_message_id=st.none() | texts,
)


@given(head=st.builds(Head, seq=numbers, timestamp_us=numbers), now_us=numbers)
def test_a_message_is_always_behind_the_one_before_it(head: Head, now_us: int) -> None:
    message = place_after(head, Draft("id", "alice", "bob", "hi"), now_us)
    assert message.seq == head.seq + 1
    assert message.timestamp_us > head.timestamp_us
    assert message.timestamp_us in (now_us, head.timestamp_us + 1)


def test_the_first_message_of_a_mailbox_has_seq_one_and_the_clocks_time() -> None:
    message = place_after(EMPTY, Draft("id", "alice", "bob", "hi", "c1"), 7)
    assert message == Message("id", 1, "alice", "bob", "hi", 7, "c1")


@given(all_messages)
def test_an_entry_is_read_as_it_was_written(message: Message) -> None:
    assert from_entry(to_entry(message).encode()) == message


@given(all_messages)
def test_an_entry_starts_with_its_place_for_the_scripts(message: Message) -> None:
    """trust.lua reads an entry by `^{"seq":(%d+),"timestamp_us":(%d+),`."""
    start = f'{{"seq":{message.seq},"timestamp_us":{message.timestamp_us},'
    assert to_entry(message).startswith(start)


@given(st.binary())
def test_what_is_no_entry_is_refused(entry: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which of the decoders refuses it does not matter
        from_entry(entry)


@pytest.mark.parametrize("field", ["seq", "timestamp_us", "id", "from", "to", "message", "client_message_id"])
@pytest.mark.parametrize("value", [[], {}, True, 1.5])
def test_an_entry_with_a_field_of_the_wrong_type_is_refused(field: str, value: object) -> None:
    fields = json.loads(to_entry(Message("id", 1, "alice", "bob", "hi", 7, "c1")))
    with pytest.raises(ValueError, match="not the fields of a message"):
        from_entry(json.dumps(fields | {field: value}).encode())


def test_an_entry_nested_beyond_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="nested"):
        from_entry(b"[" * 100_000)


def test_an_id_is_a_version_7_uuid_that_sorts_by_time() -> None:
    ids = [new_id(ms * 1000) for ms in (0, 1, 1_767_268_800_000, 1_767_268_800_001)]
    assert ids == sorted(ids)
    for an_id in ids:
        assert len(an_id) == 32
        assert an_id[12] == "7"
        assert an_id[16] in "89ab"


def test_no_two_ids_of_a_moment_are_the_same() -> None:
    assert len({new_id(0) for _ in range(1000)}) == 1000
