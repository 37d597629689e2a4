"""`run`: what a scenario uses. Everything that is done with it is recorded.

- `run.users` registers users and signs them in; the first one starts the server.
- `run.messages` sends single messages, `run.senders` sends at a steady rate, `run.readers` polls.
- `run.traffic` does all three: new users write to new users who poll.
- `run.clusters` starts stores of several processes for the server, before it starts.
- `run.faults` breaks something for as long as a `with` lasts; `run.instances` starts several servers.
- `run.wait` waits for traffic, delivery or recovery; `run.queues` for the queues in Redis.
- `run.mailboxes` ends the traffic and reads everything that is left.
- `run.seen` counts what was recorded, `run.measure` times it, `run.measured` has the numbers for the report.
- `run.check` judges what was recorded by promises.

A scenario reads top-down as a story; see `harness/scenarios/`.
"""

from harness.run.broken import (
    LOOK_AGAIN_S,
    CertainlyBroken,
    Deadline,
    Inconclusive,
    PromiseBroken,
    certain,
)
from harness.run.clusters import RedisCluster, ReplicaSet, WatchedRedis
from harness.run.messages import Pair
from harness.run.run import Run

__all__ = [
    "LOOK_AGAIN_S",
    "CertainlyBroken",
    "Deadline",
    "Inconclusive",
    "Pair",
    "PromiseBroken",
    "RedisCluster",
    "ReplicaSet",
    "Run",
    "WatchedRedis",
    "certain",
]
