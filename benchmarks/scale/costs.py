"""What was measured: the inputs of the arithmetic. docs/scale.md says how, and shows them."""

from __future__ import annotations

from dataclasses import dataclass

MICRO = 1e-6


@dataclass(frozen=True)
class Cpu:
    """Processor time of one request, in microseconds, by what uses it."""

    server_us: float
    redis_us: float = 0.0
    mongodb_us: float = 0.0


@dataclass(frozen=True)
class Costs:
    """What each thing costs."""

    known_poll: Cpu
    """A poll that finds nothing and is answered from the worker's memory."""
    asking_poll: Cpu
    """A poll that finds nothing and asks Redis."""
    bringing_poll: Cpu
    """A poll that brings a message."""
    send: Cpu
    notice_us: float
    """Of each worker, for each message to anyone."""
    waiting_us_per_s: float
    """Of the server, for each poll that waits."""
    worker_base: float
    """Processors that a worker in use takes by itself, above all for its relay: four steps a second."""
    redis_base: float
    """Processors of Redis for the same."""
    poll_bytes: int
    """Request and answer of a poll that finds nothing."""
    send_bytes: int
    """Request and answer of a send, and the message in the poll that brings it."""
    redis_message_bytes: float
    redis_mailbox_bytes: float
    mongodb_message_bytes: float
    """With its share of the indexes, before compression."""
    connection_bytes: float
    """Of the server, for each connection with a waiting poll."""
    worker_bytes: float


MEASURED = Costs(
    known_poll=Cpu(259),
    asking_poll=Cpu(420, redis_us=43),
    bringing_poll=Cpu(710, redis_us=98, mongodb_us=54),
    send=Cpu(1770, redis_us=144, mongodb_us=645),
    notice_us=10,
    waiting_us_per_s=80,
    worker_base=0.068,
    redis_base=0.0015,
    poll_bytes=865,
    send_bytes=1400,
    redis_message_bytes=236,
    redis_mailbox_bytes=640,
    mongodb_message_bytes=870,
    connection_bytes=25 * 1024,
    worker_bytes=76 * 2**20,
)
"""On 2026-11-26, messages of 100 characters."""
