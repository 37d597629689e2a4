"""on-time by brute force, as far as it can be said without the arithmetic of what is forgiven."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history import NS_PER_S, History, Outcome

from .owing import Chain, owed
from .reading import (
    BROKEN,
    CANNOT_TELL,
    NOT_BROKEN,
    UNPROVEN,
    Allowed,
    Message,
    Span,
    ambiguous,
    faults,
    is_torn,
    messages,
    received,
    strains,
)

NEVER = float("inf")


def on_time(history: History) -> Allowed:
    """Delivered within the bound of the ack.

    No later than the bound is right, and later than interval + acceptable round trip + bound is wrong. What
    is in between may be forgiven, by an arithmetic that is not repeated here.
    """
    if ambiguous(history) or is_torn(history):
        return CANNOT_TELL
    delays = [
        delay
        for sent in messages(history)
        for chain in history.chains().values()
        if (delay := _judged(sent, chain, history)) is not None
    ]
    bounds = history.bounds
    forgiven_s = bounds.poll_interval_s + bounds.acceptable_round_trip_s + bounds.delivered_within_s
    late = [delay for delay in delays if delay.ns > round(bounds.delivered_within_s * NS_PER_S)]
    unexcused = [delay for delay in late if not delay.strained]
    if any(delay.ns > round(forgiven_s * NS_PER_S) for delay in unexcused):
        return BROKEN
    if unexcused:
        return CANNOT_TELL
    return NOT_BROKEN if delays else UNPROVEN


@dataclass(frozen=True)
class _Delay:
    ns: float
    strained: bool


def _judged(sent: Message, chain: Chain, history: History) -> _Delay | None:
    """From the ack, or the chain's first poll, to the answer that brought it; None where it is not judged."""
    if sent.acked_ns is None or not owed(sent, chain, history):
        return None
    bounds = history.bounds
    since_ns = max(sent.acked_ns, chain[0].start_ns)
    due_ns = since_ns + round(bounds.delivered_within_s * NS_PER_S)
    had_to_be_there_ns = due_ns + round(bounds.acceptable_round_trip_s * NS_PER_S)
    came = next((place for place, poll in enumerate(chain) if received((poll,), sent, history)), None)
    came_ns = NEVER if came is None else chain[came].end_ns
    if _touch(faults(history), since_ns, min(came_ns, had_to_be_there_ns)):
        return None
    if came is not None:
        before_ns = chain[came - 1].end_ns if came else 0
        our_own_ns = max(0, chain[came].start_ns - max(chain[came].intended_ns, before_ns, since_ns))
        delay_ns = max(0, chain[came].end_ns - since_ns - our_own_ns)
        return _Delay(delay_ns, _touch(strains(history), since_ns, came_ns))
    gave_up_ns = had_to_be_there_ns + round(bounds.poll_interval_s * NS_PER_S)
    answered_when_due = any(poll.outcome is Outcome.OK and poll.start_ns >= due_ns for poll in chain)
    if not answered_when_due and chain[-1].end_ns < gave_up_ns:
        return None
    return _Delay(NEVER, _touch(strains(history), since_ns, chain[-1].end_ns))


def _touch(spans: list[Span], since_ns: float, until_ns: float) -> bool:
    return any(start <= until_ns and since_ns <= end for start, end in spans)
