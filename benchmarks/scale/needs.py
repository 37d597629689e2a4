"""From users and costs to what they need, and which part gives out first. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from benchmarks.scale.costs import MICRO, Costs

FULL = 0.6
"""How much of a processor may be planned with: above that, waiting times grow fast; see queueing.py."""
KNOWN_HEADS = 100_000
"""Mailboxes that a worker knows at most (known_heads.MOST_MAILBOXES)."""
CONNECTIONS = 10_000
"""Connections of a worker at most (application.CONNECTIONS)."""
LEASES_PER_S = 4
"""Reads by which a worker makes sure that it hears notices."""
MONGODB_PROCESSORS = 16
REDIS_GB = 64
"""One large machine for each store."""
DAY_S = 86_400
GB = 1e9
NOTICES, REDIS, REDIS_MEMORY, MONGODB = "notices", "Redis's thread", "Redis's memory", "MongoDB's primary"


@dataclass(frozen=True)
class Usage:
    """What the users do, all of them at the same time."""

    users: int
    poll_every_s: float = 2.0
    wait_s: float = 0.0
    """How long a poll waits for a message; 0: clients poll every `poll_every_s`."""
    send_every_s: float = 60.0
    queue_limit: int = 1000
    is_pinned: bool = False
    """Whether the balancer sends all polls of a mailbox to the same worker."""

    @property
    def sends_per_s(self) -> float:
        """Messages of all users."""
        return self.users / self.send_every_s

    @property
    def polls_per_s(self) -> float:
        """Polls of all users; a waiting one ends with a message, or in the end."""
        if self.wait_s:
            return self.users / self.wait_s + self.sends_per_s
        return self.users / self.poll_every_s


@dataclass(frozen=True)
class Needs:
    """What they need, if each part could be as large as one likes."""

    usage: Usage
    workers: float
    """Infinite where one worker cannot hear the notices of all messages."""
    redis_polls_per_s: float
    """Polls that ask Redis."""
    redis_processors: float
    mongodb_processors: float
    redis_gb: float
    mongodb_gb_per_day: float
    server_gb: float
    megabits_per_s: float
    loads: dict[str, float]
    """How much of what one of them can do is used, by each part that cannot be had twice; 1 is full."""

    @property
    def gives_out_first(self) -> str:
        """The part with the highest load."""
        return max(self.loads, key=self.loads.__getitem__)


def needs(usage: Usage, costs: Costs) -> Needs:
    """Return what these users need."""
    workers = workers_for(usage, costs)
    asking = asking_per_s(usage, workers)
    sends = usage.sends_per_s
    redis_us = asking * costs.asking_poll.redis_us + sends * (
        costs.send.redis_us + costs.bringing_poll.redis_us
    )
    counted = workers if math.isfinite(workers) else 0.0
    redis = redis_us * MICRO + counted * costs.redis_base
    mongodb = sends * (costs.send.mongodb_us + costs.bringing_poll.mongodb_us) * MICRO
    redis_bytes = usage.users * (costs.redis_mailbox_bytes + usage.queue_limit * costs.redis_message_bytes)
    network = usage.polls_per_s * costs.poll_bytes + sends * costs.send_bytes
    return Needs(
        usage,
        workers,
        asking,
        redis,
        mongodb,
        redis_bytes / GB,
        sends * DAY_S * costs.mongodb_message_bytes / GB,
        (counted * costs.worker_bytes + usage.users * costs.connection_bytes) / GB,
        network * 8 / 1e6,
        {
            NOTICES: sends * costs.notice_us * MICRO / FULL,
            REDIS: redis / FULL,
            REDIS_MEMORY: redis_bytes / GB / REDIS_GB,
            MONGODB: mongodb / (MONGODB_PROCESSORS * FULL),
        },
    )


def workers_for(usage: Usage, costs: Costs) -> float:
    """Return how many workers carry these users, each at most `FULL`.

    More workers know fewer of their mailboxes' heads at a time, so the number is searched for upwards.
    """
    room = FULL - costs.worker_base - usage.sends_per_s * costs.notice_us * MICRO
    if room <= 0:
        return math.inf
    workers = max(1, math.ceil(usage.users / CONNECTIONS))
    while (needed := math.ceil(requests_processors(usage, costs, workers) / room)) > workers:
        workers = needed
    return workers


def requests_processors(usage: Usage, costs: Costs, workers: float) -> float:
    """Return how many processors of the server all requests take."""
    asking = asking_per_s(usage, workers)
    known = usage.polls_per_s - usage.sends_per_s - asking
    used_us = (
        known * costs.known_poll.server_us
        + asking * costs.asking_poll.server_us
        + usage.sends_per_s * (costs.bringing_poll.server_us + costs.send.server_us)
    )
    waiting_us = usage.users * costs.waiting_us_per_s if usage.wait_s else 0.0
    return (used_us + waiting_us) * MICRO


def asking_per_s(usage: Usage, workers: float) -> float:
    """Return how many polls that find nothing ask Redis.

    After each message to a mailbox, the first poll of it at each worker asks; so does each poll of a mailbox
    for which a worker has no room. Unless they are pinned, the polls of a mailbox go to any worker.
    """
    idle = max(0.0, usage.polls_per_s - usage.sends_per_s)
    polls = idle / usage.sends_per_s  # of a mailbox, from one message to the next
    if not math.isfinite(workers):
        return min(idle, usage.sends_per_s) if usage.is_pinned else idle
    mailboxes = usage.users / workers if usage.is_pinned else usage.users
    has_room = min(1.0, KNOWN_HEADS / mailboxes)
    meets = 1.0 if usage.is_pinned else workers * (1 - (1 - 1 / workers) ** polls)
    first = usage.sends_per_s * min(meets, polls)
    return min(idle, (1 - has_room) * idle + has_room * first + LEASES_PER_S * workers)


def largest(part: str, usage: Usage, costs: Costs) -> int:
    """Return how many users like these one of a part carries, to two digits."""

    def load(users: int) -> float:
        return needs(replace(usage, users=users), costs).loads[part]

    low, high = 1, 10**10
    while high > low * 1.001 + 1:
        middle = math.isqrt(low * high)
        low, high = (middle, high) if load(middle) <= 1 else (low, middle)
    return int(float(f"{low:.1e}"))
