"""A message as a document of the collection `messages`: see mongo_store.py."""

from __future__ import annotations

from reference_server.adapters.mongo import Document
from reference_server.message import Message


def to_document(message: Message) -> Document:
    """Return a message as MongoDB stores it."""
    document: Document = {
        "_id": message.id,
        "recipient": message.recipient,
        "seq": message.seq,
        "sender": message.sender,
        "content": message.content,
        "timestamp_us": message.timestamp_us,
    }
    if message.client_message_id is not None:  # absent, not null: the unique index is a partial one
        document["client_message_id"] = message.client_message_id
    return document


def from_document(document: Document) -> Message:
    """Return the message of a document."""
    return Message(
        id=document["_id"],
        seq=document["seq"],
        sender=document["sender"],
        recipient=document["recipient"],
        content=document["content"],
        timestamp_us=int(
            document["timestamp_us"]
        ),  # an int, because a queue refuses bson's Int64 as a cursor
        client_message_id=document.get("client_message_id"),
    )
