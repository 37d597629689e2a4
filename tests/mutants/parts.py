"""Parts that several mutants are made of."""

from __future__ import annotations

from reference_server.adapters import mongo_store, redis_queue
from reference_server.adapters.redis_queue import RedisQueue
from reference_server.message import Message
from reference_server.service import Polled

_make = RedisQueue.__init__


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
    store._messages.insert_one(mongo_store.to_document(message))
    return message


def poll_the_store(messenger, mailbox, cursor, limit):
    """Replace Messenger._read: the queue, which would hide what is wrong with the store, is not used."""
    return Polled(messenger._store.read(mailbox, cursor, limit), "mongodb", degraded=False)


def change_script(name, old, new=""):
    """Let every queue run a script without some of its text. Raises ValueError if that is not there."""

    def make(self, client, *arguments, **options):
        _make(self, client, *arguments, **options)
        parts = redis_queue.script(name)
        if old not in parts:
            raise ValueError(f"{name}.lua has no {old!r}")
        setattr(self, f"_{name}", client.register_script(parts.replace(old, new)))

    RedisQueue.__init__ = make
