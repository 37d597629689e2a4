"""Drawing a schedule of faults from a seed; the same seed always draws the same schedule.

Faults come in outages: one to three overlapping faults of different stores. After each outage there is a
quiet period, long enough to see that the server has recovered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random

from harness.chaos.catalog import LONG_S, ChaosFault, Parameters
from harness.errors import UsageError
from harness.history import Bounds
from harness.typed import Pairs, Record

WARM_UP_S = 4.0
FAULTS_AT_ONCE = (1, 1, 2, 2, 3)
"""How many faults an outage has: one of these, each with the same probability."""
LONGER_QUIET_S = 3.0
OVERLAP_FROM = 0.9
"""A further fault of an outage begins before this share of the first one is over."""
CLOCK = "clock"


@dataclass(frozen=True)
class Planned:
    """A fault that begins `at_s` seconds after the traffic and lasts `lasts_s` seconds."""

    kind: ChaosFault
    at_s: float
    lasts_s: float
    parameters: Parameters

    @property
    def ends_at_s(self) -> float:
        """When it is healed."""
        return round(self.at_s + self.lasts_s, 1)


Outage = tuple[Planned, ...]


class ChaosTraffic(Record, frozen=True):
    """The users of a run of chaos; with fewer, a failing run is smaller (`harness.chaos.shrinking`)."""

    pairs: Pairs = 4
    """A sender and a reader each."""
    retrying: bool = True
    """Half of the senders send again what was not acked."""
    varied: bool = True
    """Second browsers, with small pages and held polls; one user who sends to himself; an empty mailbox."""


USUAL_TRAFFIC = ChaosTraffic()


@dataclass(frozen=True)
class FaultSchedule:
    """Outages in their order, at least `quiet_s` seconds apart; everything ends after `total_s` seconds.

    `with_clocks`: there are two instances of the server, each with a clock that can be set. `clusters` are in
    the place of single stores: see harness/chaos/clusters.py.
    """

    outages: tuple[Outage, ...]
    quiet_s: float
    total_s: float
    with_clocks: bool
    traffic: ChaosTraffic = USUAL_TRAFFIC
    clusters: tuple[str, ...] = ()

    @property
    def faults(self) -> tuple[Planned, ...]:
        """All of them, in the order in which they begin."""
        return tuple(fault for outage in self.outages for fault in outage)

    def with_outages(self, outages: Iterable[Iterable[Planned]]) -> FaultSchedule:
        """Return the schedule with these outages instead, each as early as it can be, and no longer."""
        moved: list[Outage] = []
        at_s = WARM_UP_S
        for outage in map(tuple, outages):
            if outage:
                earlier_s = outage[0].at_s - at_s
                moved.append(tuple(replace(it, at_s=round(it.at_s - earlier_s, 1)) for it in outage))
                at_s = round(max(fault.ends_at_s for fault in moved[-1]) + self.quiet_s, 1)
        return replace(self, outages=tuple(moved), total_s=at_s if moved else WARM_UP_S + self.quiet_s)


def quiet_s(bounds: Bounds) -> float:
    """Return how long a quiet period must last: until the server must have recovered, plus two polls."""
    return bounds.recovers_within_s + 2 * bounds.poll_interval_s


def draw(seed: int, kinds: Sequence[ChaosFault], *, total_s: float, quiet_s: float) -> FaultSchedule:
    """Return the schedule of a seed, `total_s` seconds long, of these kinds of faults.

    All kinds of a store come before one of them is repeated. Raise UsageError if there is no time for a
    fault.
    """
    shortest_s = WARM_UP_S + LONG_S[0] + quiet_s
    if total_s < shortest_s:
        raise UsageError(
            f"Chaos needs at least {shortest_s / 60:.2f} minutes: a fault, and a quiet period after it."
        )
    random = Random(f"chaos:{seed}")
    with_clocks = _with_clocks(random, kinds)
    drawing = _Drawing(random, [kind for kind in kinds if with_clocks or kind.store != CLOCK])
    outages: list[Outage] = []
    at_s = WARM_UP_S
    while (room_s := round(total_s - quiet_s - at_s, 1)) >= LONG_S[0]:
        outages.append(outage := drawing.outage(at_s, room_s))
        at_s = round(
            max(fault.ends_at_s for fault in outage) + quiet_s + random.uniform(0, LONGER_QUIET_S), 1
        )
    return FaultSchedule(tuple(outages), quiet_s, total_s, with_clocks)


def _with_clocks(random: Random, kinds: Sequence[ChaosFault]) -> bool:
    """Return whether to use clocks: for half of the seeds, as faults of the server kill only one instance."""
    stores = {kind.store for kind in kinds}
    return CLOCK in stores and (len(stores) == 1 or random.random() < 0.5)


class _Drawing:
    """Draws one outage after the other; for each store there is a bag of the kinds yet to come."""

    def __init__(self, random: Random, kinds: Sequence[ChaosFault]) -> None:
        self._random = random
        self._kinds = kinds
        self._stores = list(dict.fromkeys(kind.store for kind in kinds))
        self._bags: dict[str, list[ChaosFault]] = {store: [] for store in self._stores}

    def outage(self, at_s: float, room_s: float) -> Outage:
        """Return faults that overlap; the first begins `at_s`, and all end within `room_s` seconds."""
        until_s = at_s + room_s
        first, *others = self._together(min(self._random.choice(FAULTS_AT_ONCE), len(self._stores)))
        faults = [self._planned(first, at_s, until_s)]
        latest_s = at_s + OVERLAP_FROM * faults[0].lasts_s
        for kind in others:
            begin_s = round(self._random.uniform(at_s, latest_s), 1)
            if begin_s + kind.lasts_s[0] <= until_s:
                faults.append(self._planned(kind, begin_s, until_s))
        return tuple(sorted(faults, key=lambda fault: fault.at_s))

    def _together(self, count: int) -> list[ChaosFault]:
        """Return `count` kinds of different stores, or fewer if some of them may not overlap."""
        chosen: list[ChaosFault] = []
        for store in self._random.sample(self._stores, count):
            kind = self._bag(store).pop()
            if all(kind.stands_beside(other) for other in chosen):
                chosen.append(kind)
            else:
                self._bags[store].insert(0, kind)  # it stays next in line
        return chosen

    def _bag(self, store: str) -> list[ChaosFault]:
        if not self._bags[store]:
            bag = [kind for kind in self._kinds if kind.store == store]
            self._random.shuffle(bag)
            self._bags[store] = bag
        return self._bags[store]

    def _planned(self, kind: ChaosFault, at_s: float, until_s: float) -> Planned:
        lasts_s = round(self._random.uniform(*kind.lasts_s), 1)
        return Planned(kind, at_s, min(lasts_s, round(until_s - at_s, 1)), kind.draw(self._random))
