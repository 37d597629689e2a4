"""on-time: delivered within 2 s of the send's ack, at a 2 s polling interval (contract: The 2 s arithmetic).

Messages which a fault could have touched are reported apart and not judged. Of the rest, as many may be late
as a perfect server would have delivered late to the same clients, by `harness.arithmetic`; messages that came
with one answer, late only by their place in the polling interval, share its round trip and are one miss. A
message later than interval, acceptable round trip and bound together is a finding whatever the share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.arithmetic import allowed_misses, floor_share, summary
from harness.checkers.chains import Chain, by_reader, chains_of, mailboxes
from harness.checkers.delays import Delay, delays
from harness.checkers.disturbances import disturbances
from harness.checkers.messages import match
from harness.checkers.spans import Spans
from harness.checkers.strain import Strain
from harness.checkers.telling import at, conclude, finding
from harness.history import NS_PER_S, Bounds, History
from harness.verdict import Finding, Judgement

PROMISE = "on-time"


def on_time(history: History) -> Judgement:
    """Judge the promise over one history."""
    split = _split(history)
    strain = Strain(history)
    allowed = allowed_misses(split.live, split.floor())
    late = split.late()
    misses = split.misses(late)
    guilty = split.guilty(late, misses > allowed)
    unexcused = [delay for delay in guilty if not strain.excuses_time(delay.base_ns, delay.known_ns())]
    guilty = split.guilty(unexcused, split.misses(unexcused) > allowed)
    doubt = strain.doubt("late deliveries")
    if not split.judged:
        doubt = "no delivery outside faults could be timed"
    evidence = split.evidence(late, misses, allowed) | {"excused_as_the_machine_was_too_busy": strain.excused}
    return conclude(PROMISE, [_finding(history, delay) for delay in guilty], evidence, doubt=doubt)


def delivery_delays_s(history: History) -> list[float]:
    """The judged deliveries' delays in seconds, for plots: to readers who were polling, if there were any."""
    arrived = [delay for delay in _split(history).judged if delay.poll is not None]
    return [delay.delay_s for delay in arrived if delay.is_live] or [delay.delay_s for delay in arrived]


def _split(history: History) -> _Split:
    matched = match(history)
    readers = by_reader(chains_of(history, matched))
    disturbed = disturbances(history)
    split = _Split(history.bounds)
    for recipient, mailbox in mailboxes(history, matched).items():
        for chain in readers.get(recipient, []):
            live_before = split.live
            for delay in delays(chain, mailbox):
                split.sort_in(delay, disturbed)
            split.weigh(chain, split.live - live_before)
    return split


@dataclass
class _Split:
    """Deliveries sorted into those that are judged and those that are not."""

    bounds: Bounds
    judged: list[Delay] = field(default_factory=list)
    disturbed: list[Delay] = field(default_factory=list)
    live: int = 0
    stopped: int = 0
    expected_misses: float = 0.0

    def __post_init__(self) -> None:
        self.bound_ns = self.bounds.delivered_within_s * NS_PER_S
        self.acceptable_ns = self.bounds.acceptable_round_trip_s * NS_PER_S
        self.interval_ns = self.bounds.poll_interval_s * NS_PER_S
        self.worst_ns = self.bound_ns + self.acceptable_ns + self.interval_ns

    def sort_in(self, delay: Delay, disturbed: Spans) -> None:
        decided_ns = min(delay.until_ns(), delay.base_ns + self.bound_ns + self.acceptable_ns)
        if disturbed.touch(delay.base_ns, decided_ns):
            self.disturbed.append(delay)
        elif delay.poll is None and not self._was_due(delay):
            self.stopped += 1
        else:
            self.judged.append(delay)
            self.live += delay.is_live

    def _was_due(self, delay: Delay) -> bool:
        """Whether the chain went on long enough to call a message that never arrived late."""
        answered = delay.chain.last_answered
        if answered is not None and answered.start_ns >= delay.base_ns + self.bound_ns:
            return True
        return delay.chain.last.end_ns >= delay.base_ns + self.worst_ns

    def weigh(self, chain: Chain, live: int) -> None:
        """Add what a perfect server would deliver late to this chain; held polls measure no round trip.

        A reader who came after the ack is served by its first polls, so its messages have no poll phase.
        """
        round_trips = [(poll.end_ns - poll.start_ns) / NS_PER_S for poll in chain.polls if not poll.wait_s]
        slack_s = self.bounds.delivered_within_s - self.bounds.poll_interval_s
        self.expected_misses += live * floor_share(
            round_trips,
            self.bounds.poll_interval_s,
            self.bounds.acceptable_round_trip_s,
            slack_s=slack_s,
        )

    def floor(self) -> float:
        """The share a perfect server would miss, over all chains."""
        return min(1.0, self.expected_misses / self.live) if self.live else 0.0

    def late(self) -> list[Delay]:
        """The judged deliveries beyond the bound, the latest first."""
        late = [delay for delay in self.judged if delay.poll is None or delay.delay_ns > self.bound_ns]
        return sorted(late, key=lambda delay: delay.delay_s, reverse=True)

    def misses(self, late: Iterable[Delay]) -> int:
        """How often the bound was missed; what one answer's poll phase made late together counts once."""
        by_phase: set[int] = set()
        others = 0
        for delay in late:
            if delay.poll is not None and delay.is_poll_phase(self.interval_ns, self.acceptable_ns):
                by_phase.add(delay.poll.op)
            else:
                others += 1
        return len(by_phase) + others

    def guilty(self, late: Sequence[Delay], too_many: bool) -> list[Delay]:
        """The late deliveries that break the promise."""
        return [d for d in late if too_many or d.poll is None or d.delay_ns > self.worst_ns]

    def evidence(self, late: Sequence[Delay], misses: int, allowed: int) -> dict[str, Any]:
        arrived = [delay for delay in self.judged if delay.poll is not None]
        live = [delay for delay in arrived if delay.is_live]
        return {
            "judged": len(self.judged),
            "judged_live": self.live,
            "late": len(late),
            "misses": misses,
            "allowed_misses": allowed,
            "floor_share": round(self.floor(), 6),
            "undelivered": len(self.judged) - len(arrived),
            "reader_stopped_before_due": self.stopped,
            "delay_s": summary([delay.delay_s for delay in self.judged if delay.is_live]),
            "visibility_s": summary([delay.visibility_ns / NS_PER_S for delay in live]),
            "poll_phase_s": summary([delay.phase_ns / NS_PER_S for delay in live]),
            "round_trip_s": summary([delay.round_trip_ns / NS_PER_S for delay in live]),
            "offline_delay_s": summary([delay.delay_s for delay in self.judged if not delay.is_live]),
            "not_judged": {
                "late": sum(d.poll is None or d.delay_ns > self.bound_ns for d in self.disturbed),
                "delay_s": summary([delay.delay_s for delay in self.disturbed]),
            },
        }


def _finding(history: History, delay: Delay) -> Finding:
    message, chain = delay.message, delay.chain
    since = f"{message.name} was acked at {at(history, message.ack_ns or 0)}"
    if delay.base_ns != message.ack_ns:
        since += f", {chain.name} began to poll at {at(history, delay.base_ns)}"
    if delay.poll is None:
        until = at(history, chain.last.end_ns)
        sentence = f"{since}, and it never reached {chain.name}, which polled until {until}."
        return finding(PROMISE, "never_delivered", sentence, (*message.events[-4:], chain.last.event))
    sentence = (
        f"{since}, and it reached {chain.name} only at {at(history, delay.poll.end_ns)}, "
        f"{delay.delay_s:.3f} s later: {delay.phase_ns / NS_PER_S:.3f} s until its next poll, "
        f"{delay.visibility_ns / NS_PER_S:.3f} s until it was shown, "
        f"{delay.round_trip_ns / NS_PER_S:.3f} s round trip."
    )
    return finding(PROMISE, "late", sentence, (*message.events[-4:], delay.poll.event))
