"""The verdict on all messages of a load test, from its figures: a promise that is broken, or a doubt.

Promises about single mailboxes, such as order and cursor, are judged by the recorded history.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.arithmetic import allowed_misses
from harness.checkers.pressure import TOO_BUSY
from harness.history import Bounds
from harness.verdict import Verdict
from loadtests.figures import Figures

TOO_FEW = 100
"""With fewer messages the share of late ones proves nothing."""
NOT_IN_TIME_S = 0.5
"""A send or poll that the generator begins so much later than intended is missed."""
MISSED_OF = 1000
"""One missed arrival of so many is nothing, and neither is one alone."""

BUSY_SHARE = 0.6
"""A process of the generator that used more of a core, on average, was busy itself."""


@dataclass
class Circumstances:
    """What else decides: of the generator and of the run."""

    crashes: int = 0
    under_way: int = 0
    lost_workers: int = 0
    is_broken_on_purpose: bool = False
    """A fault was part of the run: what it explains is judged by the history alone."""
    problem: str = ""
    """Why a fault could not be injected."""
    promises: frozenset[str] | None = None
    """Those that the target makes; None for all."""


@dataclass(frozen=True)
class Totals:
    """The figures of a whole run, its verdict, and why."""

    figures: Figures
    bounds: Bounds
    about: Circumstances = field(default_factory=Circumstances)
    seconds: float = 0.0
    """How long the test lasted."""

    @property
    def floor(self) -> float:
        """The share that a perfect server would deliver late to these clients (docs/verdicts.md)."""
        polls = self.figures.counts["polls"]
        excess_s = self.figures.sums_s["excess"] / polls if polls else 0.0
        return min(1.0, excess_s / self.bounds.poll_interval_s)

    @property
    def allowed(self) -> int:
        """How many deliveries a perfect server may have made late."""
        return allowed_misses(self.figures.counts["delivered"], self.floor)

    @property
    def is_overloaded(self) -> bool:
        """Whether the generator could not make its sends and polls in time."""
        counts = self.figures.counts
        return counts["missed"] > max(1, (counts["missed"] + counts["made"]) // MISSED_OF)

    @property
    def _why_too_slow(self) -> str:
        used = self.figures.share_of_cpu
        why = "use more processes" if used > BUSY_SHARE else TOO_BUSY
        return f"it used {used:.0%} of a core: {why}"

    def verdict(self) -> tuple[Verdict, str]:
        """Return the verdict, and the reason if it is not a pass."""
        broken = [f"{promise}: {said}" for promise, said in self._broken() if self._is_made(promise)]
        if broken:
            return Verdict.FAIL, "; ".join(broken)
        doubt = "; ".join(self._doubts())
        return (Verdict.INCONCLUSIVE, doubt) if doubt else (Verdict.PASS, "")

    def _is_made(self, promise: str) -> bool:
        return self.about.promises is None or promise in self.about.promises

    def _broken(self) -> Iterator[tuple[str, str]]:
        counts = self.figures.counts
        if counts["missing"]:
            yield "no-loss", f"{counts['missing']} of {counts['acked']} acked messages never arrived"
        if counts["duplicates"]:
            yield "no-duplicate", f"{counts['duplicates']} messages arrived for the second time"
        if counts["phantoms"]:
            yield "no-phantom", f"{counts['phantoms']} messages arrived that were not sent like that"
        if self.is_overloaded or self.about.is_broken_on_purpose:
            return
        if self._too_late:
            yield "on-time", self._too_late
        if counts["failed_requests"]:
            yield "available", f"{counts['failed_requests']} requests failed"

    @property
    def _too_late(self) -> str:
        late, worst = self.figures.counts["late"], self.figures.counts["much_too_late"]
        if worst or late > self.allowed:
            of = self.figures.counts["delivered"]
            bound_s = self.bounds.delivered_within_s
            return (
                f"{late} of {of} messages were delivered later than {bound_s:g} s, of which a perfect server"
                f" could have delivered {self.allowed} late"
            )
        return ""

    def _doubts(self) -> Iterator[str]:
        counts, about = self.figures.counts, self.about
        if self.is_overloaded:
            due = counts["missed"] + counts["made"]
            yield (
                f"the load generator was too slow: {counts['missed']} of {due} sends and polls were not begun"
                f" within {NOT_IN_TIME_S:g} s; {self._why_too_slow}"
            )
        if about.problem:
            yield about.problem.removesuffix(".")
        if about.crashes or counts["crashed"]:
            yield "users of the load test crashed"
        if about.lost_workers:
            yield f"{about.lost_workers} workers were lost, with what they had counted"
        if counts["not_in"]:
            yield f"{counts['not_in']} users could not sign in before the end: that was slow, or limited"
        if undecided := about.under_way + counts["undecided"]:
            yield f"{undecided} messages were still on their way"
        if not about.is_broken_on_purpose:
            yield from self._excused()
        if self._would_be_too_late("undecidable"):
            yield f"{counts['undecidable']} deliveries may be late: the clocks are not exact enough"
        if counts["acked"] < TOO_FEW:
            yield f"fewer than {TOO_FEW} messages"

    def _excused(self) -> Iterator[str]:
        counts = self.figures.counts
        if counts["excused"]:
            yield f"{counts['excused']} failed requests cannot be judged: {TOO_BUSY}"
        if counts["much_too_late_excused"] or self._would_be_too_late("late_excused"):
            yield f"{counts['late_excused']} late deliveries cannot be judged: {TOO_BUSY}"

    def _would_be_too_late(self, those: str) -> bool:
        """Return whether too many would be late if those were late as well."""
        counts = self.figures.counts
        return bool(counts[those]) and counts["late"] + counts[those] > self.allowed

    def measured(self) -> dict[str, Any]:
        """Return the figures by name; a name ends in its unit."""
        counts, never = self.figures.counts, self.figures.counts["missing"]
        percentile = self.figures.percentile_ms
        return {
            "messages": counts["acked"] + counts["unknown"] + counts["refused"],
            **{name: counts[name] for name in ("acked", "delivered", "missing", "late")},
            "late_allowed": self.allowed,
            **{
                name: counts[name]
                for name in ("undecidable", "late_excused", "duplicates", "phantoms", "failed_requests")
            },
            "missed_arrivals": counts["missed"],
            "polls": counts["polls"],
            **{f"send_{name}_ms": percentile("send", q) for name, q in _QUANTILES},
            **{f"poll_{name}_ms": percentile("poll", q) for name, q in _QUANTILES},
            **{f"delivery_{name}_ms": percentile("delivery", q, never=never) for name, q in _QUANTILES},
            "delivery_max_ms": None if never else self.figures.longest_ms("delivery"),
            **{f"since_ack_{name}_ms": percentile("since_ack", q, never=never) for name, q in _QUANTILES},
            "generator_lag_p99_ms": percentile("lag", 99),
            "generator_cpu_percent": round(100 * self.figures.share_of_cpu, 1),
            "sends_per_second": self._per_second("acked"),
            "polls_per_second": self._per_second("polls"),
        }

    def _per_second(self, name: str) -> float | None:
        return round(self.figures.counts[name] / self.seconds, 2) if self.seconds else None


_QUANTILES = (("p50", 50), ("p95", 95), ("p99", 99), ("p99_9", 99.9))


def rows(measured: Mapping[str, Any], floor: float) -> list[tuple[str, str]]:
    """Return what people are shown of the figures: names and values."""
    excused = measured["late_excused"]
    aside = f"; {excused} more while this machine was too busy" if excused else ""
    late = f"{measured['late']}  ({measured['late_allowed']} allowed: a perfect server: {floor:.2%}{aside})"
    counts = [
        ("messages", f"{measured['messages']}  ({measured['acked']} accepted)"),
        ("lost", f"{measured['missing']}"),
        ("arrived twice", f"{measured['duplicates']}"),
        ("arrived but not sent", f"{measured['phantoms']}"),
        ("late", late),
        ("failed requests", f"{measured['failed_requests']}"),
        ("missed arrivals", f"{measured['missed_arrivals']}"),
    ]
    times = [(title, _percentiles(measured, key)) for title, key in _TIMES.items()]
    cpu = f"{measured['generator_cpu_percent']:.0f} % of a core"
    return [*counts, *times, ("generator", f"p99 {_ms(measured['generator_lag_p99_ms'])} behind, {cpu}")]


def table(measured: Mapping[str, Any], floor: float) -> str:
    """Return what the terminal shows at the end."""
    shown = rows(measured, floor)
    width = max(len(name) for name, _ in shown)
    return "\n".join(["", *(f"{name:<{width}}  {value}" for name, value in shown)])


_TIMES = {
    "send, intended → answered": "send",
    "delivery, intended → received": "delivery",
    "delivery, accepted → received": "since_ack",
}


def _percentiles(measured: Mapping[str, Any], key: str) -> str:
    return "  ".join(
        f"{name.replace('_', '.')} {_ms(measured[f'{key}_{name}_ms'])}" for name, _ in _QUANTILES
    )


def _ms(value: float | None) -> str:
    """Return a time of which there is none as never: not one message arrived, or none of so many."""
    return "never" if value is None else f"{value:,.1f} ms" if value < 10 else f"{value:,.0f} ms"
