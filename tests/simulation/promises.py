"""What must hold at the end of each execution: see docs/model.md."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from tests.simulation.clients import TO, read_on
from tests.simulation.history import Chain, Send, Violation
from tests.simulation.world import World


def check(world: World) -> None:
    """Raise Violation if a promise is broken, after the faults have ended and all was read."""
    chains = []
    for number in range(len(world.workers)):  # any of them may be the one that is asked next
        for chain in world.history.chains:
            chains.append(replace(chain, received=[*chain.received]))
            _run(world, chain.reader, lambda: read_on(world, chains[-1], number))  # noqa: B023 - runs at once
    for to in {TO, *(send.to for send in world.history.sends)}:
        _check_mailbox(_mailbox(world, to))
    for send in world.history.sends:
        _check_send(send, _mailbox(world, send.to))
    for chain in chains:
        _check_chain(chain, world.history.sends, _mailbox(world, chain.mailbox))
    _check_order(world.history.sends)
    _run(world, "a check", lambda: _check_queue(world))
    _check_keys(world)


def _run(world: World, name: str, what: Any) -> None:
    """Run a client; raise what it raises."""
    world.in_an_actor(name, what)


def _mailbox(world: World, name: str) -> list[dict[str, Any]]:
    everything = world.mongo.applied.get("messages", {}).values()
    found = [document for document in everything if document["recipient"] == name]
    return sorted(found, key=lambda document: document["seq"])


def _check_mailbox(stored: list[dict[str, Any]]) -> None:
    seqs = [document["seq"] for document in stored]
    if seqs != list(range(1, len(seqs) + 1)):
        raise Violation(f"contiguous: the mailbox has the places {seqs}")
    times = [document["timestamp_us"] for document in stored]
    if any(later <= earlier for earlier, later in pairwise(times)):
        raise Violation(f"cursor: the timestamps of the mailbox do not grow: {times}")


def _check_send(send: Send, stored: list[dict[str, Any]]) -> None:
    copies = [one for one in stored if one["content"] == send.content]
    if len(copies) > 1:
        raise Violation(f"no-duplicate: '{send.content}' is stored {len(copies)} times")
    if send.acked is not None and not copies:
        raise Violation(f"no-loss: '{send.content}' was acked, and is not stored")
    if copies and not send.may_arrive:
        raise Violation(f"no-phantom: '{send.content}' was refused, and is stored")
    if unknown := set(send.outcomes) - {"acked", "not_stored", "unknown"}:
        raise Violation(f"story: the outcome of '{send.content}' is {unknown}")


def _check_chain(chain: Chain, sends: list[Send], stored: list[dict[str, Any]]) -> None:
    """Each message was checked to follow the one before when it was received."""
    received = chain.received
    contents = {message.content for message in received}
    for send in sends:
        first = received[0].seq if received else 1
        if (
            chain.mailbox == send.to
            and send.acked is not None
            and send.acked.seq >= first
            and send.content not in contents
        ):
            raise Violation(f"no-loss: '{send.content}' was acked, and {chain.reader} does not receive it")
    if phantoms := contents - {one["content"] for one in stored}:
        raise Violation(f"no-phantom: {chain.reader} received {phantoms}, which is not stored")


def _check_order(sends: list[Send]) -> None:
    """A sender begins a message after the one before was acked, or given up."""
    for sender in {send.sender for send in sends}:
        seqs = [send.acked.seq for send in sends if send.sender == sender and send.acked]
        if seqs != sorted(seqs):
            raise Violation(f"order: the messages of {sender} have the places {seqs}")


def _check_queue(world: World) -> None:
    """After the heal each queue is the window of the store, and each worker uses it again."""
    if world.mongo.applied.get("outbox"):
        raise Violation("recovers: the outbox is not empty after the heal")
    for number, worker in enumerate(world.workers):
        polled = world.request(number, lambda worker=worker: worker.messenger.poll(TO, None, 100))
        if polled.degraded:
            raise Violation(f"recovers: {worker.name} still cannot use Redis after the heal")
        held = [message.id for message in polled.page.messages]
        if held != [one["_id"] for one in _mailbox(world, TO)[-world.setting.window :]]:
            raise Violation(
                f"recovers: {worker.name} returns {len(held)} messages, and not the window of the store"
            )


def _check_keys(world: World) -> None:
    in_use = world.promoted or world.redis
    for key, value in in_use.data.items():
        if key not in in_use.expiring:
            raise Violation(f"bounded: the key {key.decode()} lives for ever")
        if isinstance(value, list) and len(value) > world.setting.window:
            raise Violation(f"bounded: the list {key.decode()} has {len(value)} entries")
