"""What messages take in Redis."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from contextlib import ExitStack

import redis

from benchmarks.mailboxes import Mailbox, fill
from benchmarks.measuring import Effort, Measured, Round, measured
from benchmarks.servers import Site
from harness.errors import InfrastructureError

QUEUE = 1_000
"""The server's default for the longest queue."""
TEXT = "{:020}"


def bytes_per_message(site: Site, effort: Effort) -> Measured:
    """Measure every key of a mailbox whose queue is full, beside a list of the texts alone."""
    with ExitStack() as stack:
        server = site.shared_reference()
        name = f"bob_{secrets.token_hex(4)}"
        mailbox = Mailbox(server, name, server.add_users([name])[name])
        fill([mailbox], QUEUE, text=TEXT)
        store = stack.enter_context(redis.Redis.from_url(site.services.redis_direct_url))
        texts = f"bench-{secrets.token_hex(4)}"
        stack.callback(store.delete, texts)
        store.rpush(texts, *map(TEXT.format, range(QUEUE)))
        return measured(
            Effort(rounds=1, share=1.0), lambda _: Round(_of_mailbox(store, name), _of_keys(store, [texts]))
        )


def _of_mailbox(store: redis.Redis, name: str) -> float:
    keys = list(store.scan_iter(match=f"*:{name}", count=10_000))
    if not keys:
        raise InfrastructureError(
            f"Redis has no key of the mailbox {name!r}: its messages cannot be weighed."
        )
    return _of_keys(store, keys)


def _of_keys(store: redis.Redis, keys: Iterable[str | bytes]) -> float:
    return sum(store.memory_usage(key, samples=0) or 0 for key in keys) / QUEUE
