"""Parts that several mutants are made of."""

from __future__ import annotations

from reference_server.adapters import mongo_store
from reference_server.message import Message
from reference_server.service import Polled


def insert(store, draft, seq, timestamp_us):
    """Insert a draft at a place, even if it is taken. May raise the driver's errors."""
    message = Message(
        id=draft.id,
        seq=seq,
        sender=draft.sender,
        recipient=draft.recipient,
        content=draft.content,
        timestamp_us=timestamp_us,
        client_message_id=draft.client_message_id,
    )
    store._messages.insert_one(mongo_store._document(message))
    return message


def poll_the_store(messenger, mailbox, cursor, limit):
    """Replace Messenger._read: the queue, which would hide what is wrong with the store, is not used."""
    return Polled(messenger._store.read(mailbox, cursor, limit), "mongodb", degraded=False)
