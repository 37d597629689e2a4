"""What happened to every message of a load test: exact counts, an exact histogram, one verdict."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hdrh.histogram import HdrHistogram

from harness.adapters import Message
from harness.arithmetic import allowed_misses
from harness.client import Malformed
from harness.history import NS_PER_S, Bounds, Outcome
from harness.verdict import Verdict

NS_PER_MS = 1_000_000
HIGHEST_US = 120 * 1_000_000
TOO_FEW = 100
"""With fewer messages the share of late ones proves nothing."""
BOUNDS = Bounds()
PATIENCE_NS = int(2 * (BOUNDS.delivered_within_s + BOUNDS.poll_interval_s) * NS_PER_S)
"""How long after it was due a message may still arrive; then it is missing."""


class Delivery(Exception):
    """The delivery of one message; an exception, so that Locust can show a late or missing one."""

    def __init__(self, waited_ms: float, *, arrived: bool) -> None:
        self.waited_ms = waited_ms
        self.is_late = not arrived or waited_ms > BOUNDS.delivered_within_s * 1000
        # One text a kind: Locust counts failures by their text.
        super().__init__(f"later than {BOUNDS.delivered_within_s:g} s" if arrived else "missing")


class Fate(StrEnum):
    """What is known of a message."""

    SENDING = "sending"
    ACKED = "acked"
    UNKNOWN = "unknown"
    """Its send was not answered as the contract says: it may arrive once, or never."""
    REFUSED = "refused"
    ARRIVED = "arrived"
    GIVEN_UP = "given up"


@dataclass
class Sent:
    """One message of this process."""

    sender: str
    recipient: str
    client_message_id: str
    due_ns: int
    fate: Fate = Fate.SENDING


class Deliveries:
    """The messages of this process, and the totals of those whose outcome is known.

    The messages never leave the process: senders write only to users of their own process, since the
    monotonic clocks of two machines do not agree. So a mailbox of this process, whose name is new with every
    user, can hold nothing but what is known here, however many workers there are and whatever ran before.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything, at the start of a test."""
        self._sent: dict[str, Sent] = {}
        self._awaited: defaultdict[str, set[str]] = defaultdict(set)
        self._at_workers: dict[str, int] = {}
        self._reset_figures()

    def due(self, content: str, sent: Sent) -> None:
        """A message is about to be sent."""
        self._sent[content] = sent
        self._awaited[sent.recipient].add(content)

    def acked(self, content: str, now_ns: int) -> None:
        """The server accepted it: it must arrive, if it has not already."""
        sent = self._sent[content]
        if sent.fate is Fate.SENDING:
            sent.fate = Fate.ACKED
        self._lags_s += min((now_ns - sent.due_ns) / NS_PER_S, BOUNDS.acceptable_round_trip_s)
        self._sends += 1

    def not_acked(self, content: str, outcome: Outcome) -> None:
        """Its send failed, or its outcome is unknown: it need not arrive, and is not counted if it does."""
        sent = self._sent[content]
        if sent.fate is Fate.SENDING:
            self._end(content, Fate.REFUSED if outcome is Outcome.REFUSED else Fate.UNKNOWN)

    def polled(self, round_trip_s: float, expected_s: float | None) -> None:
        """A poll was answered; `expected_s` is the smoothed round trip its client reckoned with."""
        capped_s = min(round_trip_s, BOUNDS.acceptable_round_trip_s)
        self._excess_s += max(0.0, capped_s - (capped_s if expected_s is None else expected_s))
        self._polls += 1

    def received(self, message: Message, mailbox: str, now_ns: int) -> Delivery | None:
        """A poll of this mailbox returned it. Return its delivery, or None for a message that is not counted.

        Raise Malformed where no server may return it: it was never sent like that, or has arrived before.
        """
        content = message.content
        sent = self._sent.get(content)
        if sent is None:
            raise Malformed("a message that was never sent")
        if not sent.recipient == message.recipient == mailbox:
            raise Malformed("a message of another mailbox")
        if message.sender != sent.sender:
            raise Malformed("a message with another sender")
        if message.client_message_id not in (None, sent.client_message_id):
            raise Malformed("a message with another client_message_id")
        if sent.fate is Fate.REFUSED:
            raise Malformed("a message that was refused")
        if sent.fate is Fate.ARRIVED:
            raise Malformed("a message for the second time")
        is_counted = sent.fate in (Fate.SENDING, Fate.ACKED)
        self._end(content, Fate.ARRIVED)
        return self._ended(now_ns - sent.due_ns, arrived=True) if is_counted else None

    def expected_by(self, recipient: str, now_ns: int) -> bool:
        """Return whether the recipient should go on polling: a message is being sent or may still arrive."""
        awaited = [self._sent[content] for content in self._awaited[recipient]]
        return any(sent.fate is Fate.SENDING or now_ns < sent.due_ns + PATIENCE_NS for sent in awaited)

    def missing(self, recipient: str, now_ns: int) -> list[Delivery]:
        """Stop waiting for messages to the recipient; return those that had to arrive."""
        awaited = [(content, self._sent[content]) for content in self._awaited.pop(recipient, ())]
        owed = [sent for _, sent in awaited if sent.fate is Fate.ACKED]
        for _, sent in awaited:
            sent.fate = Fate.GIVEN_UP
        return [self._ended(now_ns - sent.due_ns, arrived=False) for sent in owed]

    def under_way(self) -> int:
        """Return how many messages are being sent or must still arrive, here and at the workers."""
        return sum(map(len, self._awaited.values())) + sum(self._at_workers.values())

    def hand_over(self) -> dict[str, Any]:
        """Return this process's figures since the last call, for the master."""
        figures = {
            "histogram": self.histogram.encode().decode("ascii"),
            "late": self.late,
            "missing": self.missing_count,
            "failed_requests": self.failed_requests,
            "under_way": self.under_way(),
            "sums": [self._lags_s, self._sends, self._excess_s, self._polls],
        }
        self._reset_figures()
        return figures

    def take_over(self, worker: str, figures: dict[str, Any]) -> None:
        """Add a worker's figures to this process's."""
        self._at_workers[worker] = figures["under_way"]
        self.histogram.decode_and_add(figures["histogram"])
        self.late += figures["late"]
        self.missing_count += figures["missing"]
        self.failed_requests += figures["failed_requests"]
        lags_s, sends, excess_s, polls = figures["sums"]
        self._lags_s += lags_s
        self._sends += sends
        self._excess_s += excess_s
        self._polls += polls

    def judge(self, interval_s: float, crashes: int = 0) -> tuple[Verdict, str]:
        """Return the verdict and a table for the terminal.

        Late deliveries are allowed for the share of messages that even a perfect server with the measured
        round trips would deliver late (docs/verdicts.md); a missing one or a failed request never is.
        What the load test itself did not finish (crashes, messages still on their way) is never a pass.
        """
        arrived = self.histogram.get_total_count()
        total = arrived + self.missing_count
        floor = self._floor_share(interval_s)
        allowed = allowed_misses(total, floor)
        doubt = self._doubt(total, crashes)
        if self.missing_count or self.failed_requests or self.late > allowed:
            verdict = Verdict.FAIL
        else:
            verdict = Verdict.INCONCLUSIVE if doubt else Verdict.PASS
        said = f"{verdict} ({doubt})" if doubt else f"{verdict}"
        return verdict, self._table(said, total=total, floor=floor, allowed=allowed)

    def _doubt(self, total: int, crashes: int) -> str:
        if crashes:
            return "users of the load test crashed"
        if under_way := self.under_way():
            return f"{under_way} messages were still on their way"
        return f"fewer than {TOO_FEW} messages" if total < TOO_FEW else ""

    def _floor_share(self, interval_s: float) -> float:
        lag_s = self._lags_s / self._sends if self._sends else 0.0
        excess_s = self._excess_s / self._polls if self._polls else 0.0
        return min(1.0, (lag_s + excess_s) / interval_s)

    def _table(self, said: str, *, total: int, floor: float, allowed: int) -> str:
        milliseconds = {
            f"p{percentile:g}": self.histogram.get_value_at_percentile(percentile) / 1000
            for percentile in (50, 95, 99, 99.9)
        }
        rows = [
            ("messages", f"{total}"),
            ("missing", f"{self.missing_count}"),
            (f"late (over {BOUNDS.delivered_within_s:g} s)", f"{self.late}"),
            ("late allowed", f"{allowed}  (a perfect server would be late with {floor:.2%})"),
            ("failed requests", f"{self.failed_requests}"),
            *((f"{name}, due → received", f"{value:,.0f} ms") for name, value in milliseconds.items()),
            ("longest", f"{self.histogram.get_max_value() / 1000:,.0f} ms"),
            ("verdict", said),
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

    def _end(self, content: str, fate: Fate) -> None:
        sent = self._sent[content]
        sent.fate = fate
        self._awaited[sent.recipient].discard(content)
