"""What a sharded collection of messages needs of its indexes."""

from __future__ import annotations

from reference_server.adapters.mongo_store import SHARD_KEY, indexes


def test_each_unique_index_of_a_sharded_collection_begins_with_the_shard_key() -> None:
    unique = [index.document for index in indexes(sharded=True) if index.document.get("unique")]
    assert len(unique) == 2
    assert all(next(iter(index["key"])) == SHARD_KEY for index in unique)


def test_otherwise_a_sender_uses_an_id_once_whoever_the_recipient_is() -> None:
    unique = {
        index.document["name"]: list(index.document["key"])
        for index in indexes(sharded=False)
        if index.document.get("unique")
    }
    assert unique["sender_client_message_id"] == ["sender", "client_message_id"]
