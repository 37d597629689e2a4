"""Every kind of fault that can be drawn: how long it lasts, its parameters, and how it is injected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import TYPE_CHECKING, Any

from harness.faults import Fault
from harness.history import UPSTREAM, Effect, named_effects

if TYPE_CHECKING:
    from harness.run import Run

Parameters = Mapping[str, Any]
Draw = Callable[[Random], Parameters]
LONG_S = (4.0, 9.0)
"""Long enough for the polls that are needed to judge the answers."""
SHORT_S = (1.0, 2.5)
"""For faults whose damage is done immediately: the rest of the time is recovery."""
FASTEST_MS, SLOWEST_MS = 50, 800
FARTHEST_S = 300
"""How far a clock may be off."""


class Need(Enum):
    """What a kind of fault needs."""

    OWN_REDIS = "a Redis that may be broken"
    OWN_MONGODB = "a MongoDB that may be broken"
    QUEUES = "queues that are the lists of the contract"
    CLOCKS = "clocks that can be set for a process"
    DISKS = "disks that can be broken for a process, by supervising its system calls"
    HANG_UP = "a server that keeps serving after SIGHUP"


def nothing(random: Random) -> Parameters:
    """Return no parameters."""
    return {}


@dataclass(frozen=True)
class ChaosFault:
    """One kind of fault of a store ('redis', 'mongodb', 'upstream NAME', 'server' or 'clock').

    `name` is the fault's kind, `called` its name in the history if that is not store and kind. `begin`
    injects it into a run with the parameters that `draw` drew. Its probe cannot work while a store of
    `apart_from` is broken, so it does not overlap faults of these.
    """

    store: str
    name: str
    begin: Callable[[Run, Parameters], AbstractContextManager[Fault]]
    lasts_s: tuple[float, float] = LONG_S
    draw: Draw = nothing
    needs: frozenset[Need] = frozenset()
    apart_from: frozenset[str] = frozenset()
    called: str = ""
    on_request: bool = False
    """Whether it is drawn only if it is asked for by its name, so that older seeds draw what they drew."""

    @property
    def full_name(self) -> str:
        """The fault's name in the history: 'redis refused'."""
        return self.called or f"{self.store} {self.name}"

    @property
    def is_harmless(self) -> bool:
        """Whether every promise holds while it lasts, so that there is nothing to recover from."""
        return Effect.NONE in named_effects(self.full_name)

    def stands_beside(self, other: ChaosFault) -> bool:
        """Whether the two may overlap."""
        return self.store not in other.apart_from | {other.store} and other.store not in self.apart_from


def _latency(random: Random) -> Parameters:
    return {"latency_ms": random.randint(FASTEST_MS, SLOWEST_MS)}


def _offsets(random: Random) -> Parameters:
    return {"offsets_s": [random.randint(-FARTHEST_S, FARTHEST_S) for _ in range(2)]}


def _steps(random: Random) -> Parameters:
    return {"offsets_s": [random.randint(-FARTHEST_S, FARTHEST_S) for _ in range(4)]}


def _age(random: Random) -> Parameters:
    return {"missing_sends": random.randint(5, 30)}


def _demoted(random: Random) -> Parameters:
    return {"demoted": random.random() < 0.5}


@contextmanager
def _failed_over(run: Run, demoted: bool) -> Iterator[Fault]:
    """Start the replica for this fault alone: other faults of Redis must not reach it."""
    with (
        run.faults.redis_replica() as replica,
        run.faults.redis_failed_over(replica, demoted=demoted) as fault,
    ):
        yield fault


@contextmanager
def _restored(run: Run, missing_sends: int) -> Iterator[Fault]:
    """Restart Redis from a snapshot that lacks what was sent after it was taken."""
    old = run.faults.redis_snapshot()
    run.wait.for_traffic(sends=missing_sends, polls=0)
    with run.faults.redis_restarted(back_from=old) as fault:
        yield fault


@contextmanager
def _power_cut(run: Run) -> Iterator[Fault]:
    """Start MongoDB on a disk that can lose power, which is judged as a fault too; let it store something."""
    with run.faults.mongodb_restarted():
        run.wait.for_traffic(sends=8, polls=6)
    run.wait.for_traffic(sends=10, polls=0)
    with run.faults.mongodb_power_cut() as fault:
        yield fault


_REDIS = frozenset({Need.OWN_REDIS})
_DATA = _REDIS | {Need.QUEUES}
_MONGODB = frozenset({Need.OWN_MONGODB})
_CLOCK = frozenset({Need.CLOCKS})
# The clock of an instance is read from a poll's answer, for which it needs these.
_ANSWERS = frozenset({"mongodb", "server"})
# A damaged queue must be rebuilt from MongoDB before it can be damaged again. A new replica changes the
# replication id of Redis, so that queues are rebuilt before the fault itself.
_REBUILT = frozenset({"mongodb"})

CATALOG: tuple[ChaosFault, ...] = (
    ChaosFault("redis", "refused", lambda run, _: run.faults.redis_refused()),
    ChaosFault("redis", "black-holed", lambda run, _: run.faults.redis_black_holed()),
    ChaosFault("redis", "slow", lambda run, drawn: run.faults.redis_slow(**drawn), draw=_latency),
    ChaosFault("redis", "flapping", lambda run, _: run.faults.redis_flapping()),
    ChaosFault("redis", "killed", lambda run, _: run.faults.redis_killed(), needs=_REDIS),
    ChaosFault("redis", "emptied", lambda run, _: run.faults.redis_restarted(), SHORT_S, needs=_REDIS),
    ChaosFault("redis", "restored", lambda run, drawn: _restored(run, **drawn), SHORT_S, _age, _REDIS),
    ChaosFault(
        "redis",
        "failed over",
        lambda run, drawn: _failed_over(run, **drawn),
        draw=_demoted,
        needs=_REDIS,
        apart_from=_REBUILT,
    ),
    ChaosFault("redis", "read-only", lambda run, _: run.faults.redis_read_only(), needs=_REDIS),
    ChaosFault("redis", "out of memory", lambda run, _: run.faults.redis_out_of_memory(), needs=_REDIS),
    ChaosFault(
        "redis",
        "wrong type",
        lambda run, _: run.faults.redis_wrong_type(run.readers.usernames()),
        needs=_DATA,
    ),
    ChaosFault(
        "redis",
        "not JSON",
        # The last one's queue is empty.
        lambda run, _: run.faults.redis_not_json(run.readers.usernames()[:-1]),
        needs=_DATA,
        apart_from=_REBUILT,
    ),
    ChaosFault("mongodb", "refused", lambda run, _: run.faults.mongodb_refused()),
    ChaosFault("mongodb", "black-holed", lambda run, _: run.faults.mongodb_black_holed()),
    ChaosFault("mongodb", "slow", lambda run, drawn: run.faults.mongodb_slow(**drawn), draw=_latency),
    ChaosFault("mongodb", "killed", lambda run, _: run.faults.mongodb_killed(), needs=_MONGODB),
    ChaosFault("server", "worker killed", lambda run, _: run.faults.worker_killed(), SHORT_S),
    ChaosFault("server", "workers killed", lambda run, _: run.faults.workers_killed(), SHORT_S),
    ChaosFault("server", "killed", lambda run, _: run.faults.server_killed()),
    ChaosFault("server", "stopped", lambda run, _: run.faults.server_stopped()),
    ChaosFault(
        "server",
        "hang-up",
        lambda run, _: run.faults.hang_up(),
        SHORT_S,
        needs=frozenset({Need.HANG_UP}),
        called="signal hang-up",
    ),
    ChaosFault(
        "clock",
        "off",
        lambda run, drawn: run.faults.clocks_off(**drawn),
        draw=_offsets,
        needs=_CLOCK,
        apart_from=_ANSWERS,
    ),
    ChaosFault(
        "clock",
        "stepping",
        lambda run, drawn: run.faults.clocks_stepping(**drawn),
        draw=_steps,
        needs=_CLOCK,
        apart_from=_ANSWERS,
    ),
    ChaosFault(
        "clock",
        "stopped",
        lambda run, _: run.faults.clocks_stopped(),
        needs=_CLOCK,
        apart_from=_ANSWERS,
    ),
)

ON_REQUEST: tuple[ChaosFault, ...] = (
    ChaosFault(
        "redis",
        "disk full",
        lambda run, _: run.faults.redis_disk_full(),
        needs=_REDIS | {Need.DISKS},
        on_request=True,
    ),
    ChaosFault(
        "redis",
        "expired",
        lambda run, _: run.faults.redis_expired(run.readers.usernames()),
        needs=_DATA,
        on_request=True,
    ),
    ChaosFault(
        "mongodb",
        "disk full",
        lambda run, _: run.faults.mongodb_disk_full(),
        needs=_MONGODB | {Need.DISKS},
        on_request=True,
    ),
    ChaosFault(
        "mongodb",
        "power cut",
        lambda run, _: _power_cut(run),
        needs=_MONGODB | {Need.DISKS},
        on_request=True,
    ),
)


def of_upstreams(names: Iterable[str]) -> tuple[ChaosFault, ...]:
    """Return the kinds of faults of the stores that only the target's profile knows."""
    return tuple(kind for name in names for kind in _of_upstream(name))


def _of_upstream(name: str) -> tuple[ChaosFault, ...]:
    store = f"{UPSTREAM} {name}"
    return (
        ChaosFault(store, "refused", lambda run, _: run.faults.upstream_refused(name)),
        ChaosFault(store, "black-holed", lambda run, _: run.faults.upstream_black_holed(name)),
        ChaosFault(store, "slow", lambda run, drawn: run.faults.upstream_slow(name, **drawn), draw=_latency),
        ChaosFault(store, "flapping", lambda run, _: run.faults.upstream_flapping(name)),
    )
