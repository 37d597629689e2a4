"""A message's place in its mailbox, its id, and its entry in the queue."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_server.message import (
    EMPTY,
    Draft,
    Head,
    Message,
    from_entries,
    from_entry,
    new_id,
    place_after,
    to_entry,
)

EXAMPLE = Message(1, 7, "id", "alice", "bob", "hi", "c1")


def earlier_entry(message: Message) -> bytes:
    seq, timestamp_us, id_, sender, recipient, content, client_id = msgspec.structs.astuple(message)
    fields = {"seq": seq, "timestamp_us": timestamp_us, "id": id_, "from": sender, "to": recipient}
    fields |= {"message": content, "client_message_id": client_id}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


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
    assert message == Message(1, 7, "id", "alice", "bob", "hi", "c1")


@given(all_messages)
def test_an_entry_is_read_as_it_was_written(message: Message) -> None:
    assert from_entry(to_entry(message).encode()) == message


@given(all_messages)
def test_an_entry_starts_with_its_place_for_the_scripts(message: Message) -> None:
    """trust.lua reads an entry by `^%[(%d+),(%d+),`."""
    assert to_entry(message).startswith(f"[{message.seq},{message.timestamp_us},")


@given(all_messages)
def test_an_entry_of_version_0_1_is_read(message: Message) -> None:
    assert from_entry(earlier_entry(message)) == message
    assert from_entries(b"[%b,%b]" % (earlier_entry(message), to_entry(message).encode())) == [message] * 2


@given(st.binary())
def test_what_is_no_entry_is_refused(entry: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which of the decoders refuses it does not matter
        from_entry(entry)


@pytest.mark.parametrize("entry_of", [lambda message: to_entry(message).encode(), earlier_entry])
@pytest.mark.parametrize("field", range(7))
@pytest.mark.parametrize("value", [[], {}, True, 1.5])
def test_an_entry_with_a_field_of_the_wrong_type_is_refused(
    entry_of: Callable[[Message], bytes], field: int, value: object
) -> None:
    fields = json.loads(entry_of(EXAMPLE))
    fields[field if isinstance(fields, list) else list(fields)[field]] = value
    with pytest.raises(ValueError, match="Expected"):
        from_entry(json.dumps(fields).encode())


@pytest.mark.parametrize("entry", [b"", to_entry(EXAMPLE).encode() + b"," + to_entry(EXAMPLE).encode()])
def test_an_entry_is_one_message(entry: bytes) -> None:
    with pytest.raises(ValueError, match="values to unpack"):
        from_entry(entry)


@pytest.mark.parametrize("entry", [b"[" * 100_000, b'{"more":' + b"[" * 100_000])
def test_an_entry_nested_beyond_reason_is_refused(entry: bytes) -> None:
    with pytest.raises(ValueError, match=r"nested|Expected"):
        from_entry(entry)


def test_an_id_is_a_version_7_uuid_that_sorts_by_time() -> None:
    ids = [new_id(ms * 1000) for ms in (0, 1, 1_767_268_800_000, 1_767_268_800_001)]
    assert ids == sorted(ids)
    for an_id in ids:
        assert len(an_id) == 32
        assert an_id[12] == "7"
        assert an_id[16] in "89ab"


def test_no_two_ids_of_a_moment_are_the_same() -> None:
    assert len({new_id(0) for _ in range(1000)}) == 1000
