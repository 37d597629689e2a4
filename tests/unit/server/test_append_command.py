"""What MongoDB's answer to the command that appends means."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo import WriteConcern, errors

from reference_server.adapters.mongo_after import Alone, Stop, append_after
from reference_server.message import EMPTY, Head

HEAD = Head(seq=4, timestamp_us=1000)
DOCUMENTS = [{"_id": f"id-{seq}", "recipient": "bob", "seq": seq, "content": "hi"} for seq in (5, 6, 7)]
TAKEN = {"code": 11000, "errmsg": "E11000", "keyPattern": {"recipient": 1, "seq": 1}}
USED = {"code": 11000, "errmsg": "E11000", "keyPattern": {"sender": 1, "client_message_id": 1}}
NOT_THERE = {"code": 53, "errmsg": "The '_id' value cannot be of type array"}
NO_INDEX = {"code": 2, "errmsg": "hint provided does not correspond to an existing index"}
NOT_DURABLE = {"code": 64, "errmsg": "waiting for replication timed out"}


class Messages:
    """A collection whose database answers every command alike."""

    name = "messages"
    write_concern = WriteConcern("majority", j=True)

    def __init__(self, **reply: Any) -> None:
        self._reply = {"ok": 1.0, **reply}
        self.commands: list[dict[str, Any]] = []

    @property
    def database(self) -> Messages:
        return self

    def command(self, command: dict[str, Any]) -> dict[str, Any]:
        self.commands.append(command)
        return self._reply


def append(messages: Messages, head: Head = HEAD) -> tuple[int, Stop | None]:
    return append_after(Alone(messages), head, DOCUMENTS)  # type: ignore[arg-type]


def test_all_are_stored_with_the_collections_write_concern() -> None:
    messages = Messages(n=3)
    assert append(messages) == (3, None)
    [command] = messages.commands
    assert command["writeConcern"] == {"w": "majority", "j": True}
    assert len(command["updates"]) == 4
    assert all(update["upsert"] and update["hint"] == "recipient_seq" for update in command["updates"])


def test_the_first_messages_of_a_mailbox_follow_none() -> None:
    messages = Messages(n=3)
    append(messages, EMPTY)
    assert len(messages.commands[0]["updates"]) == 3


@pytest.mark.parametrize(
    ("index", "failure", "expected"),
    [
        (0, NOT_THERE, (0, Stop.MOVED)),
        (0, NO_INDEX, (0, Stop.NO_INDEX)),
        (1, TAKEN, (0, Stop.MOVED)),
        (3, TAKEN, (2, Stop.MOVED)),
        (2, USED, (1, Stop.CLIENT_ID_IN_USE)),
    ],
)
def test_those_before_a_failure_are_stored(
    index: int, failure: dict[str, Any], expected: tuple[int, Stop]
) -> None:
    assert append(Messages(writeErrors=[{"index": index, **failure}])) == expected


@pytest.mark.parametrize("failures", [[], [{"index": 1, **TAKEN}]], ids=["all written", "some written"])
def test_what_is_not_durable_is_not_stored(failures: list[dict[str, Any]]) -> None:
    with pytest.raises(errors.WriteConcernError, match="timed out"):
        append(Messages(writeErrors=failures, writeConcernError=NOT_DURABLE))


def test_a_failure_that_is_not_known_is_raised() -> None:
    with pytest.raises(errors.WriteError, match="stale"):
        append(Messages(writeErrors=[{"index": 1, "code": 13388, "errmsg": "stale config"}]))
