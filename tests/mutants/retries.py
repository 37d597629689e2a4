"""Mutants of safe retries: what happens to a `client_message_id` that is used again."""

from __future__ import annotations

import pymongo

from reference_server import service
from reference_server.adapters import mongo_store
from reference_server.adapters.mongo_store import MongoStore
from reference_server.service import Messenger, Sent
from tests.mutants.registry import STORY, mutant

_append, _send = MongoStore.append, Messenger.send


@mutant(row="CHAOS-06", promise="no-duplicate")
def retries_known_to_one_process():
    """Each worker knows only the ids that it has seen itself, and there is no index."""
    seen = {}

    def append(self, draft, now_us):
        key = (draft.sender, draft.client_message_id)
        if key not in seen:
            seen[key] = _append(self, draft, now_us)
        return seen[key]

    MongoStore.append = append
    mongo_store._INDEXES[1] = pymongo.IndexModel([("sender", 1), ("client_message_id", 1)])


@mutant(row="CHAOS-06", promise="no-duplicate")
def retries_looked_up_first():
    """A retry is looked up before the insert, and two at once find nothing."""

    def append(self, draft, now_us):
        return self._earlier(draft) or _append(self, draft, now_us)

    MongoStore.append = append
    mongo_store._INDEXES[1] = pymongo.IndexModel([("sender", 1), ("client_message_id", 1)])


@mutant(row="CHAOS-06", promise=STORY, says="`replayed`", replaces="service:Messenger.send")
def replay_not_told(self, sender, recipient, content, client_message_id):
    """The answer to a retry does not say `replayed`."""
    sent = _send(self, sender, recipient, content, client_message_id)
    return Sent(sent.message, sent.queued, replayed=False)


@mutant(row="SEC-06", promise="refuses", quick=True)
def other_content_under_one_id():
    """A `client_message_id` used again with other content is answered as a retry."""

    def send(self, sender, recipient, content, client_message_id):
        try:
            return _send(self, sender, recipient, content, client_message_id)
        except service.IdempotencyMismatch:
            mine = {"sender": sender, "client_message_id": client_message_id}
            earlier = self._store._messages.find_one(mine)
            return Sent(mongo_store.from_document(earlier), queued=True, replayed=True)

    Messenger.send = send
