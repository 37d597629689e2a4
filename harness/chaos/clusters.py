"""Chaos on stores of several processes: which there are, what they need of a target, and how they break.

Such a store takes the place of the single one, and its faults that of the single one's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING

from harness.chaos.catalog import CATALOG, ON_REQUEST, SHORT_S, ChaosFault, Need, Parameters, of_upstreams
from harness.errors import NotHere, UsageError
from harness.faults import Fault
from harness.plan import hint
from harness.run.clusters import RedisCluster, ReplicaSet, WatchedRedis
from harness.stack import require_disks
from harness.stack.stores import others
from harness.targets.profile import Profile

if TYPE_CHECKING:
    from harness.run import Run

READERS = 1000
"""A reader is drawn as a number: which of those that poll, counted round."""


@dataclass(frozen=True)
class ChaosCluster:
    """A store of several processes: `start` it before the server, which must have all that it `needs`."""

    store: str
    start: Callable[[Run], object]
    needs: tuple[str, ...]
    kinds: tuple[ChaosFault, ...]


def _with_clients(random: Random) -> Parameters:
    return {"with_clients": random.random() < 0.5}


def _behind(random: Random) -> Parameters:
    return {"behind": random.random() < 0.5}


def _shard(random: Random) -> Parameters:
    return {"reader": random.randrange(READERS), "behind": random.random() < 0.5}


@contextmanager
def _rejoined(
    cluster: ReplicaSet | RedisCluster | WatchedRedis, fault: AbstractContextManager[Fault]
) -> Iterator[Fault]:
    """Break something until the cluster works again; then bring back what is missing, and wait for it."""
    with fault as injected:
        yield injected
    cluster.rejoin()
    if isinstance(cluster, WatchedRedis):
        cluster.settle()


def _start_replica_set(run: Run) -> ReplicaSet:
    """Start one that can be divided, where that is possible."""
    try:
        require_disks()
    except NotHere:
        return run.clusters.mongodb_replica_set()
    return run.clusters.mongodb_replica_set(divisible=True)


def _members(run: Run) -> ReplicaSet:
    return run.clusters.of(ReplicaSet)


def _watched(run: Run) -> WatchedRedis:
    return run.clusters.of(WatchedRedis)


@contextmanager
def _primary_killed(run: Run, behind: bool) -> Iterator[Fault]:
    """Kill the primary of Redis; with `behind`, after pushes that no replica has."""
    watched = _watched(run)
    lag = run.faults.redis_replicas_cut_off(watched)
    with _after_pushes(run, lag, behind), run.faults.redis_primary_killed(watched) as fault:
        yield fault
    watched.rejoin()
    watched.settle()


@contextmanager
def _shard_lost(run: Run, reader: int, behind: bool) -> Iterator[Fault]:
    """Kill the primary of a reader's mailbox; with `behind`, after pushes that its replica lacks."""
    cluster, usernames = run.clusters.of(RedisCluster), run.readers.usernames()
    mailbox = usernames[reader % len(usernames)]
    lag = run.faults.redis_replica_behind(cluster, mailbox)
    with _after_pushes(run, lag, behind), run.faults.redis_shard_lost(cluster, mailbox) as fault:
        yield fault
    cluster.rejoin()


@contextmanager
def _after_pushes(run: Run, lag: AbstractContextManager[Fault], behind: bool) -> Iterator[None]:
    """With `behind`, let replicas lag while some messages are sent, and until the end of the context."""
    with lag if behind else nullcontext():
        if behind:
            run.wait.for_traffic(sends=8, polls=0)
        yield


@contextmanager
def _promoted(run: Run) -> Iterator[Fault]:
    """Have a replica promoted by hand: the first one."""
    watched = _watched(run)
    primary = watched.the_primary()
    chosen = next(node for node in watched.nodes if node is not primary)
    with run.faults.redis_promoted(watched, chosen) as fault:
        yield fault
    watched.settle()


_MONGODB = frozenset({Need.OWN_MONGODB})
_REDIS = frozenset({Need.OWN_REDIS})

CLUSTERS: Mapping[str, ChaosCluster] = MappingProxyType(
    {
        "replica-set": ChaosCluster(
            "mongodb",
            _start_replica_set,
            ("mongodb", "mongodb_url"),
            (
                ChaosFault(
                    "mongodb",
                    "primary killed",
                    lambda run, _: _rejoined(_members(run), run.faults.mongodb_primary_killed(_members(run))),
                    needs=_MONGODB,
                ),
                ChaosFault(
                    "mongodb",
                    "stepped down",
                    lambda run, _: run.faults.mongodb_stepped_down(_members(run)),
                    SHORT_S,
                    needs=_MONGODB,
                ),
                ChaosFault(
                    "mongodb",
                    "primary cut off",
                    lambda run, drawn: _rejoined(
                        _members(run), run.faults.mongodb_primary_cut_off(_members(run), **drawn)
                    ),
                    draw=_with_clients,
                    needs=_MONGODB,
                ),
                ChaosFault(
                    "mongodb",
                    "divided",
                    lambda run, _: _rejoined(_members(run), run.faults.mongodb_divided(_members(run))),
                    needs=_MONGODB | {Need.DISKS},
                ),
                ChaosFault(
                    "mongodb",
                    "majority lost",
                    lambda run, _: run.faults.mongodb_majority_lost(_members(run)),
                    needs=_MONGODB,
                ),
                ChaosFault(
                    "mongodb",
                    "member paused",
                    lambda run, _: run.faults.member_paused(_members(run)),
                    needs=_MONGODB,
                    called="member paused",
                ),
            ),
        ),
        "sentinel": ChaosCluster(
            "redis",
            lambda run: run.clusters.redis_sentinel(),
            ("redis", "redis_url", "redis_sentinel"),
            (
                ChaosFault(
                    "redis",
                    "primary killed",
                    lambda run, drawn: _primary_killed(run, **drawn),
                    draw=_behind,
                    needs=_REDIS,
                ),
                ChaosFault(
                    "redis",
                    "primary cut off",
                    lambda run, _: run.faults.redis_primary_cut_off(_watched(run)),
                    needs=_REDIS,
                ),
                ChaosFault("redis", "promoted by hand", lambda run, _: _promoted(run), SHORT_S, needs=_REDIS),
            ),
        ),
        "redis-cluster": ChaosCluster(
            "redis",
            lambda run: run.clusters.redis_cluster(),
            ("redis", "redis_url", "redis_cluster"),
            (
                ChaosFault(
                    "redis",
                    "shard lost",
                    lambda run, drawn: _shard_lost(run, **drawn),
                    draw=_shard,
                    needs=_REDIS,
                ),
                ChaosFault(
                    "redis",
                    "slots moving",
                    lambda run, _: run.faults.redis_slots_moving(
                        run.clusters.of(RedisCluster), run.readers.usernames()
                    ),
                    needs=_REDIS,
                ),
            ),
        ),
    }
)


def require_clusters(names: Sequence[str], profile: Profile) -> None:
    """Raise UsageError for a cluster that is unknown, that the target cannot use, or that is one too many."""
    taken: dict[str, str] = {}
    for name in names:
        if name not in CLUSTERS:
            raise UsageError(f"'{name}' is not a cluster.{hint(CLUSTERS, name) or f' Known are {known()}.'}")
        cluster = CLUSTERS[name]
        if cluster.store in taken:
            raise UsageError(
                f"'{taken[cluster.store]}' and '{name}' are both in the place of {cluster.store}."
            )
        taken[cluster.store] = name
        for need in cluster.needs:
            if why := profile.lacks.get(need):
                raise UsageError(f"The cluster '{name}' is not possible: {why}.")


def require_cluster_of(patterns: Sequence[str], clusters: Sequence[str]) -> None:
    """Raise UsageError for the name of a fault of a cluster that was not asked for."""
    for pattern in patterns:
        for name, cluster in CLUSTERS.items():
            faults = {kind.full_name.casefold() for kind in cluster.kinds}
            if name not in clusters and pattern.casefold() in faults:
                raise UsageError(f"'{pattern}' is a fault of a cluster: it needs --cluster {name}.")


def known() -> str:
    """Return the names of the clusters, for people."""
    return ", ".join(CLUSTERS)


def stores_of(names: Collection[str]) -> set[str]:
    """Return the stores whose place these clusters take."""
    return {CLUSTERS[name].store for name in names}


def kinds_of(profile: Profile, clusters: Sequence[str] = ()) -> tuple[ChaosFault, ...]:
    """Return all kinds of faults of a target on these clusters, possible or not."""
    replaced = stores_of(clusters)
    single = (kind for kind in (*CATALOG, *ON_REQUEST) if kind.store not in replaced)
    of_clusters = (kind for name in clusters for kind in CLUSTERS[name].kinds)
    return (*single, *of_clusters, *of_upstreams(others(profile.stores)))
