"""What every verdict rests on: how much was sent, during which faults, and who polled afterwards."""

from __future__ import annotations

from collections import Counter
from typing import Any

from harness.checkers.messages import match
from harness.checkers.spans import Spans
from harness.history import NS_PER_S, FaultWindow, History
from harness.history.memoize import memoize
from harness.history.operations import OK, REFUSED, UNKNOWN

WORDS = {OK: "acked", UNKNOWN: "unknown", REFUSED: "refused"}


@memoize
def evidence(history: History) -> dict[str, Any]:
    """Return each fault's window, counts of sends inside and outside, and of polls after the last heal."""
    inside, outside = _sends(history)
    return {
        "fault_windows": [_window(history, window) for window in history.faults],
        "sends_inside_faults": inside,
        "sends_outside_faults": outside,
        "polls_after_the_heal": _polls(history),
    }


def _window(history: History, window: FaultWindow) -> dict[str, Any]:
    moments = {
        "injected_s": window.injected_ns,
        "active_s": window.active_ns,
        "heal_s": window.heal_ns,
        "healed_s": window.healed_ns,
    }
    since = {
        name: None if moment is None else round((moment - history.begin_ns) / NS_PER_S, 3)
        for name, moment in moments.items()
    }
    return {"name": window.name, **since}


def _sends(history: History) -> tuple[dict[str, int], dict[str, int]]:
    """Count sends by outcome: those that overlap a fault until it was seen healed, and those that do not."""
    faults = Spans((w.injected_ns, w.healed_ns or history.end_ns) for w in history.faults)
    counts = Counter(
        (faults.touch(send.start_ns, history.end_ns if send.end_ns is None else send.end_ns), send.outcome)
        for send in history.sends
    )
    inside, outside = ({WORDS[o]: counts[where, o] for o in WORDS} for where in (True, False))
    return inside, outside


def _polls(history: History) -> dict[str, int]:
    """Count each recipient's answered polls begun after the last heal; all of them if nothing was broken."""
    healed_ns = max((w.healed_ns or history.end_ns for w in history.faults), default=history.begin_ns)
    polls = Counter(
        poll.reader for poll in history.polls if poll.outcome is OK and poll.start_ns >= healed_ns
    )
    recipients = dict.fromkeys(message.recipient for message in match(history).messages)
    return {recipient: polls[recipient] for recipient in recipients}
