"""on-time: delivered within 2 s of the send's ack, at a 2 s polling interval (contract: The 2 s arithmetic).

Messages that a fault can have delayed are reported separately and not judged. Of the rest, as many may be
late as a perfect server would have delivered late to the same clients, by `harness.arithmetic`. Messages that
came with one answer, and are late only by their place in the polling interval, share its round trip and count
as one miss. A message later than interval, acceptable round trip and bound together is a finding in any case.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.arithmetic import summary
from harness.checkers.delays import Delay, seconds
from harness.checkers.findings import at, conclude, finding
from harness.checkers.suspected_causes import of_missing
from harness.checkers.timeliness import SortedDeliveries, Timed, deliveries
from harness.history import NS_PER_S, History
from harness.verdict import Finding, Judgement

PROMISE = "on-time"


def on_time(history: History) -> Judgement:
    """Judge the promise over one history."""
    found = deliveries(history)
    timed = found.timed(found.judged)
    findings = [late_finding(PROMISE, history, delay) for delay in timed.violations]
    doubt = timed.doubt(timed.excused) if timed.delays else "no delivery outside faults could be timed"
    return conclude(history, PROMISE, findings, _evidence(found, timed), doubt=doubt)


def delivery_delays_s(history: History) -> list[float]:
    """Return the delays in seconds, for plots: to readers who were already polling, if there were any."""
    arrived = [delay for delay in deliveries(history).judged if delay.place is not None]
    return [delay.delay_s for delay in arrived if delay.is_live] or [delay.delay_s for delay in arrived]


def _evidence(found: SortedDeliveries, timed: Timed) -> dict[str, Any]:
    undelivered = sum(delay.place is None for delay in timed.late)
    live = [delay for delay in timed.to_live if delay.place is not None] if undelivered else timed.to_live
    offline = [delay for delay in timed.delays if not delay.is_live] if timed.live < len(timed.delays) else []
    bound_ns = found.limits.bound_ns
    return {
        "bound": timed.word(timed.excused),
        "floor_share": round(timed.floor, 6),
        "judged": len(timed.delays),
        "judged_live": timed.live,
        "late": len(timed.late),
        "misses": timed.misses,
        "allowed_misses": timed.allowed,
        "undelivered": undelivered,
        "excused_as_the_machine_was_too_busy": timed.excused,
        "reader_stopped_before_due": found.stopped,
        **_parts(live),
        "delay_s": summary(seconds(timed.to_live)),
        "offline_delay_s": summary(seconds(offline)),
        "not_judged": {
            "late": sum(delay.place is None or delay.delay_ns > bound_ns for delay in found.not_judged),
            "delay_s": summary(seconds(found.not_judged)),
        },
    }


def _parts(live: Sequence[Delay]) -> dict[str, Any]:
    """Return a summary of each part of the delays."""
    return {
        "visibility_s": summary([delay.visibility_ns / NS_PER_S for delay in live]),
        "poll_phase_s": summary([delay.phase_ns / NS_PER_S for delay in live]),
        "round_trip_s": summary([delay.round_trip_ns / NS_PER_S for delay in live]),
    }


def late_finding(promise: str, history: History, delay: Delay) -> Finding:
    """Return a finding about a late delivery, with the parts of its delay."""
    message, consumer = delay.message, delay.consumer
    suspected_cause = of_missing(history, consumer, message)
    since = f"{message.name} was acked at {at(history, message.ack_ns or 0)}"
    if delay.base_ns != message.ack_ns:
        since += f", {consumer.name} began to poll at {at(history, delay.base_ns)}"
    if delay.poll is None:
        until = at(history, consumer.last.end_ns)
        sentence = f"{since}, and it never reached {consumer.name}, which polled until {until}."
        events = (*message.events[-4:], consumer.last.event)
        return finding(promise, "never_delivered", sentence, events, suspected_cause)
    sentence = (
        f"{since}, and it reached {consumer.name} only at {at(history, delay.poll.end_ns)}, "
        f"{delay.delay_s:.3f} s later: {delay.phase_ns / NS_PER_S:.3f} s until its next poll, "
        f"{delay.visibility_ns / NS_PER_S:.3f} s until it was visible, "
        f"{delay.round_trip_ns / NS_PER_S:.3f} s round trip."
    )
    return finding(promise, "late", sentence, (*message.events[-4:], delay.poll.event), suspected_cause)
