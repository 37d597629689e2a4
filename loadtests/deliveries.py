"""What became of every message of a load test: exact counts, an exact histogram, one verdict."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from hdrh.histogram import HdrHistogram

from harness.arithmetic import allowed_misses
from harness.history import NS_PER_S, Bounds
from harness.verdict import Verdict

NS_PER_MS = 1_000_000
HIGHEST_US = 120 * 1_000_000
TOO_FEW = 100
"""Below this many messages the share that is late says nothing."""
BOUNDS = Bounds()


class Delivery(Exception):
    """One message's way; an exception so that Locust can show a late or missing one as a failed request."""

    def __init__(self, waited_ms: float, *, arrived: bool) -> None:
        self.waited_ms = waited_ms
        self.is_late = not arrived or waited_ms > BOUNDS.delivered_within_s * 1000
        # One text a kind: Locust counts failures by their text.
        super().__init__(f"later than {BOUNDS.delivered_within_s:g} s" if arrived else "missing")


class Deliveries:
    """The messages of this process under way, and the figures of those that ended.

    The messages under way never leave the process: senders write only to users of their own process, since
    the monotonic clocks of two machines do not agree.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything, at the start of a test."""
        self._due_ns: dict[str, int] = {}
        self._acked: set[str] = set()
        self._recipients: dict[str, str] = {}
        self._mailboxes: defaultdict[str, set[str]] = defaultdict(set)
        self._reset_figures()

    def due(self, content: str, recipient: str, due_ns: int) -> None:
        """A message is about to be sent; it was due at `due_ns` (monotonic)."""
        self._due_ns[content] = due_ns
        self._recipients[content] = recipient
        self._mailboxes[recipient].add(content)

    def acked(self, content: str, due_ns: int, now_ns: int) -> None:
        """The server accepted it: from now on it is owed, unless it has arrived already."""
        if content in self._due_ns:
            self._acked.add(content)
        self._lags_s += min((now_ns - due_ns) / NS_PER_S, BOUNDS.acceptable_round_trip_s)
        self._sends += 1

    def not_acked(self, content: str) -> None:
        """The send failed or nobody knows: nothing is owed, and if it arrives, it is not counted."""
        self._forget(content)

    def polled(self, round_trip_s: float, expected_s: float | None) -> None:
        """A poll was answered; `expected_s` is the smoothed round trip its client reckoned with."""
        capped_s = min(round_trip_s, BOUNDS.acceptable_round_trip_s)
        self._excess_s += max(0.0, capped_s - (capped_s if expected_s is None else expected_s))
        self._polls += 1

    def received(self, content: str, now_ns: int) -> Delivery | None:
        """A poll returned it. None for a message that is not counted."""
        due_ns = self._due_ns.get(content)
        if due_ns is None:
            return None
        self._forget(content)
        return self._ended(now_ns - due_ns, arrived=True)

    def expected_by(self, recipient: str, now_ns: int) -> bool:
        """Whether the recipient should go on polling: something is owed to it and not yet hopeless."""
        patience_ns = int(2 * (BOUNDS.delivered_within_s + BOUNDS.poll_interval_s) * NS_PER_S)
        return any(now_ns < self._due_ns[content] + patience_ns for content in self._mailboxes[recipient])

    def missing(self, recipient: str, now_ns: int) -> list[Delivery]:
        """Give up what is still owed to the recipient."""
        contents = [content for content in self._mailboxes[recipient] if content in self._acked]
        waited = [now_ns - self._due_ns[content] for content in contents]
        for content in contents:
            self._forget(content)
        return [self._ended(ns, arrived=False) for ns in waited]

    def hand_over(self) -> dict[str, Any]:
        """This process's figures since the last call, for the master."""
        figures = {
            "histogram": self.histogram.encode().decode("ascii"),
            "late": self.late,
            "missing": self.missing_count,
            "failed_requests": self.failed_requests,
            "sums": [self._lags_s, self._sends, self._excess_s, self._polls],
        }
        self._reset_figures()
        return figures

    def take_over(self, figures: dict[str, Any]) -> None:
        """Add a worker's figures to this process's."""
        self.histogram.decode_and_add(figures["histogram"])
        self.late += figures["late"]
        self.missing_count += figures["missing"]
        self.failed_requests += figures["failed_requests"]
        lags_s, sends, excess_s, polls = figures["sums"]
        self._lags_s += lags_s
        self._sends += sends
        self._excess_s += excess_s
        self._polls += polls

    def judge(self, interval_s: float) -> tuple[Verdict, str]:
        """The verdict and a table for the terminal.

        Late deliveries are allowed for the share of messages that even a perfect server with the measured
        round trips would deliver late (docs/verdicts.md); a missing one or a failed request never is.
        """
        arrived = self.histogram.get_total_count()
        total = arrived + self.missing_count
        floor = self._floor_share(interval_s)
        allowed = allowed_misses(total, floor)
        if self.missing_count or self.failed_requests or self.late > allowed:
            verdict = Verdict.FAIL
        elif total < TOO_FEW:
            verdict = Verdict.INCONCLUSIVE
        else:
            verdict = Verdict.PASS
        return verdict, self._table(verdict, total=total, floor=floor, allowed=allowed)

    def _floor_share(self, interval_s: float) -> float:
        lag_s = self._lags_s / self._sends if self._sends else 0.0
        excess_s = self._excess_s / self._polls if self._polls else 0.0
        return min(1.0, (lag_s + excess_s) / interval_s)

    def _table(self, verdict: Verdict, *, total: int, floor: float, allowed: int) -> str:
        milliseconds = {
            f"p{percentile:g}": self.histogram.get_value_at_percentile(percentile) / 1000
            for percentile in (50, 95, 99, 99.9)
        }
        rows = [
            ("messages owed", f"{total}"),
            ("missing", f"{self.missing_count}"),
            (f"late (over {BOUNDS.delivered_within_s:g} s)", f"{self.late}"),
            ("late allowed", f"{allowed}  (a perfect server would be late with {floor:.2%})"),
            ("failed requests", f"{self.failed_requests}"),
            *((f"{name}, due → received", f"{value:,.0f} ms") for name, value in milliseconds.items()),
            ("longest", f"{self.histogram.get_max_value() / 1000:,.0f} ms"),
            ("verdict", verdict + (f" (fewer than {TOO_FEW} messages)" if total < TOO_FEW else "")),
        ]
        lines = [f"  {name:<22} {value}" for name, value in rows]
        return "\n".join(["", "Deliveries", *lines, ""])

    def _reset_figures(self) -> None:
        self.histogram = HdrHistogram(1, HIGHEST_US, 4)  # microseconds, four significant digits
        self.late = 0
        self.missing_count = 0
        self.failed_requests = 0
        self._lags_s = 0.0
        self._sends = 0
        self._excess_s = 0.0
        self._polls = 0

    def _ended(self, waited_ns: int, *, arrived: bool) -> Delivery:
        delivery = Delivery(waited_ns / NS_PER_MS, arrived=arrived)
        if arrived:
            self.histogram.record_value(max(1, waited_ns // 1000))
            self.late += delivery.is_late
        else:
            self.missing_count += 1
        return delivery

    def _forget(self, content: str) -> None:
        recipient = self._recipients.pop(content, None)
        if recipient is not None:
            self._mailboxes[recipient].discard(content)
        self._due_ns.pop(content, None)
        self._acked.discard(content)
