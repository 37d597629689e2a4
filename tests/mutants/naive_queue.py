"""A queue as one would first write it: a Redis list, and nothing that says whether it is complete.

Not a mutant itself. The reference server's queue notices most damage that a mutant could do to it, and
rebuilds itself; so mutants of the queue break this one.
"""

from __future__ import annotations

from reference_server.adapters.redis_queue import RedisQueue
from reference_server.interfaces import Accepted, page_of
from reference_server.message import from_entry, to_entry


class NaiveQueue(RedisQueue):
    """Pushes with LPUSH, reads with LRANGE. An empty list is an empty mailbox."""

    def push(self, recipient, batch, claim=None):
        """See MessageQueue."""
        key = f"messages:{recipient}"
        if batch:
            self._guarded(lambda: self._client.lpush(key, *map(to_entry, batch)))
            self._guarded(lambda: self.bound(key))
            self._guarded(lambda: self._client.publish("mailboxes", recipient))
        return Accepted(batch[-1].seq if batch else 0)

    def bound(self, key):
        """Keep the list's length and life within bounds."""
        self._client.ltrim(key, 0, self._limit - 1)
        self._client.pexpire(key, self._ttl_ms)

    def read(self, recipient, cursor, limit):
        """See MessageQueue."""
        entries = self._guarded(lambda: self._client.lrange(f"messages:{recipient}", 0, -1))
        return self.page(recipient, entries, cursor, limit)

    def page(self, recipient, entries, cursor, limit):
        """Make a page of a list's entries, newest first."""
        found = [one for one in self.decode(entries) if one.timestamp_us > cursor.since_us]
        return page_of(found[: limit + 1], cursor, limit, len(entries))

    def decode(self, entries):
        """Decode entries, newest first, to messages, oldest first."""
        return [from_entry(entry) for entry in reversed(entries)]
