"""What a scenario asks about its own history while it runs."""

from __future__ import annotations

import time

from harness.checkers import is_made
from harness.checkers.expected_answers import is_total
from harness.checkers.messages import group
from harness.history import NS_PER_S, Outcome, Recorder
from harness.run.recorded import healed_ns

LAST_EVENTS = 500
"""A send that is still under way is among these."""


class Seen:
    """Answers questions about what one recorder has recorded so far."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def a_send_hangs(self, for_s: float = 0.06) -> bool:
        """Return whether some send has been waiting for its answer for `for_s` seconds."""
        known = self._recorder.events[-LAST_EVENTS:]
        answered = {event["op"] for event in known if event["kind"] == "sent"}
        before_ns = time.monotonic_ns() - int(for_s * NS_PER_S)
        return any(e["kind"] == "send" and e["op"] not in answered and e["t"] < before_ns for e in known)

    def replays(self) -> int:
        """Count the sends that were answered `replayed`: an earlier attempt had stored their message."""
        return sum(send.replayed for send in self._recorder.history().sends)

    def unmarked_replays(self) -> int:
        """Count the acks that should have said `replayed` and did not.

        Of the acked attempts at one message, only the one that stored it is not a replay. A server that never
        says `replayed` has no such mark, and one that does not promise to store a message once, no replays.
        """
        history = self._recorder.history()
        acks = [event for event in self._recorder.events if event["kind"] == "sent"]
        if all(ack["replayed"] is None for ack in acks) or not is_made("no-duplicate", history.semantics):
            return 0
        messages = group(history.sends)
        acked = [message.attempts for message in messages if message.outcome is Outcome.OK]
        marked_new = [sum(a.outcome is Outcome.OK and not a.replayed for a in attempts) for attempts in acked]
        return sum(max(0, count - 1) for count in marked_new)

    def refusals_without_outcome(self) -> int:
        """Count the sends answered 503 without an outcome of the message (contract: Send)."""
        outcomes = ("not_stored", "unknown")
        return sum(
            event["kind"] == "sent" and event["status"] == 503 and event["stated_outcome"] not in outcomes
            for event in self._recorder.events
        )

    def polls_served_without(self, store: str) -> int:
        """Count the polls that were answered 200 while the whole store was away."""
        history = self._recorder.history()
        away = [(w.active_ns, w.heal_ns) for w in history.faults if w.store == store and is_total(w)]
        return sum(
            poll.outcome is Outcome.OK
            and begin is not None
            and end is not None
            and begin < poll.start_ns < end
            for poll in history.polls
            for begin, end in away
        )

    def seconds_since_heal(self) -> float:
        """Return how many seconds ago the last fault was seen healed."""
        return (time.monotonic_ns() - healed_ns(self._recorder.history())) / NS_PER_S
