"""What the runs of many seeds come to, and which part of the space of faults they covered."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from harness.arithmetic import exact_percentile
from harness.chaos.catalog import ChaosFault
from harness.chaos.figures import Figures, Pair
from harness.chaos.phases import Phase
from harness.chaos.seeds_file import Asked, SeedResult
from harness.reports.files import write_atomically
from harness.verdict import Verdict, worst

SUMMARY = "seeds.json"
COUNTED = ("outages", "sends", "polls", "lost", "doubled", "reordered", "refused", "unknown")


@dataclass(frozen=True)
class Summary:
    """The results of many seeds; `kinds` are the faults that could be drawn."""

    results: Sequence[SeedResult]
    kinds: Sequence[ChaosFault]

    @property
    def verdict(self) -> Verdict:
        """The worst one."""
        return worst(result.verdict for result in self.results)

    @cached_property
    def known(self) -> list[tuple[int, Figures]]:
        """The seeds whose runs recorded something, with their figures."""
        return [(result.seed, result.figures) for result in self.results if result.figures is not None]

    def count(self, name: str) -> int:
        """Return the sum of one of the figures."""
        return sum(getattr(figures, name) for _, figures in self.known)

    def slowest(self, name: str) -> tuple[float, int | None]:
        """Return the largest of one of the figures in seconds, and its seed."""
        return max(((getattr(figures, name), seed) for seed, figures in self.known), default=(0.0, None))

    def recoveries(self) -> list[tuple[float, int]]:
        """Return how long each timed recovery took, and its seed; the shortest first."""
        return sorted((took_s, seed) for seed, figures in self.known for took_s in figures.recovered_in_s)

    @cached_property
    def faults(self) -> Counter[str]:
        """How often each fault was injected."""
        return _added(figures.faults for _, figures in self.known)

    @cached_property
    def met(self) -> Counter[Pair]:
        """In how many runs two faults met."""
        return Counter(pair for _, figures in self.known for pair in figures.pairs)

    @cached_property
    def can_meet(self) -> list[Pair]:
        """Which faults may overlap at all."""
        pairs = {
            (min(one.full_name, other.full_name), max(one.full_name, other.full_name))
            for one, other in combinations(self.kinds, 2)
            if one.stands_beside(other)
        }
        return sorted(pairs)

    def struck(self, fault: str) -> Counter[str]:
        """Return how many sends a fault struck in which phase."""
        return _added(figures.phases.get(fault, {}) for _, figures in self.known)

    def as_json(self, asked: Asked, command_of: Callable[[int], str]) -> dict[str, Any]:
        """Return all of it, for a file; `command_of` a seed is the command that repeats its run alone."""
        recoveries = self.recoveries()
        return {
            "format": 1,
            "asked": to_builtins(asked),
            "verdict": self.verdict,
            "verdicts": dict(Counter(str(result.verdict) for result in self.results)),
            **{name: self.count(name) for name in COUNTED},
            "slowest_s": _worst(self.slowest("slowest_s")),
            "slowest_quiet_s": _worst(self.slowest("slowest_quiet_s")),
            "recovered_in_s": percentiles(recoveries),
            "faults": {
                kind: {"injected": self.faults[kind], "sends": dict(self.struck(kind))}
                for kind in sorted({kind.full_name for kind in self.kinds} | set(self.faults))
            },
            "phases": [str(phase) for phase in Phase],
            "pairs_that_met": [{"faults": pair, "runs": runs} for pair, runs in self.met.most_common()],
            "pairs_that_never_met": [pair for pair in self.can_meet if pair not in self.met],
            "seeds": [{"command": command_of(result.seed), **to_builtins(result)} for result in self.results],
        }


def percentiles(recoveries: Sequence[tuple[float, int]]) -> dict[str, Any]:
    """Return the numbers of the recoveries, which are sorted."""
    if not recoveries:
        return {"timed": 0}
    seconds = [took_s for took_s, _ in recoveries]
    numbers = {name: exact_percentile(seconds, q) for name, q in (("p50", 50), ("p95", 95), ("max", 100))}
    return {"timed": len(recoveries), **numbers, "seed": recoveries[-1][1]}


def write_summary(document: dict[str, Any], path: Path) -> None:
    """Write the file completely or not at all. Raise OSError."""
    write_atomically(path, json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def _worst(found: tuple[float, int | None]) -> dict[str, float | int | None]:
    return {"s": found[0], "seed": found[1]}


def _added(counts: Iterable[Any]) -> Counter[str]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return total
