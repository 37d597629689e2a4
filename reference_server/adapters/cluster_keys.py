"""The keys of a mailbox in a Redis Cluster, and their slot.

A cluster keeps each key where the hash of its name says: in one of 16,384 slots. A script may use keys of one
slot only. Of a name with braces, only what is between the first pair counts. So the record of the list
`messages:bob` is `head:{messages:bob}`, and both are in the slot of `messages:bob`.

https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags

A single Redis keeps the name `head:bob`: see Upgrading in docs/server.md.
"""

from __future__ import annotations

from collections.abc import Container
from itertools import count

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from reference_server.errors import Refused

SLOTS: int = REDIS_CLUSTER_HASH_SLOTS


def keys_of(recipient: str) -> list[str]:
    """Return the keys of a mailbox. Raise Refused for a name with braces, which no user can have.

    For some of them no other key has the same slot: in `messages:a}b` all counts, in `{messages:a}b}` a part.
    """
    if "{" in recipient or "}" in recipient:
        raise Refused("a mailbox has no braces in its name")
    return [f"messages:{recipient}", f"head:{{messages:{recipient}}}"]


def slot_of(recipient: str) -> int:
    """Return the slot of a mailbox. Raise Refused as `keys_of`."""
    return key_slot(keys_of(recipient)[0].encode())


def probe_keys(slots: Container[int], start: int = 0) -> list[str]:
    """Return the keys of an impossible mailbox in one of the slots, of which there must be one.

    Search from the number `start`: with other starts, other slots are found.
    """
    tag = next(f"{{{number}}}" for number in count(start) if key_slot(b"%d" % number) in slots)
    return [f"messages:{tag}", f"head:{tag}"]
