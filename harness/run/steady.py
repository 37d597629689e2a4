"""The steady state: a message that is sent arrives on time, and the server says that it is ready.

It must hold before the first fault and after the last. Where the profile names no path for readiness, it is
not asked.

A server that never delivers is broken without any fault, so a row that injects faults says nothing about it:
the row is inconclusive, and the rows without faults report the violation. A server that delivers only
sometimes is in its steady state.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.adapters.manners import Manner
from harness.checkers import is_made
from harness.checkers.messages import match
from harness.client import Client
from harness.errors import NotHere, NotServed
from harness.history import NS_PER_S, History, Recorder
from harness.run.broken import LOOK_AGAIN_S, Inconclusive, PromiseBroken
from harness.run.messages import Messages
from harness.run.readers import Readers
from harness.run.recorded import healed_ns
from harness.run.users import Users
from harness.targets.instances import Instances

SEND_AGAIN_S = 0.5
NOT_NORMAL = "was not normal before the fault"


class NotNormal(Inconclusive):
    """The target was not in its steady state before the first fault, so no fault can be judged."""


class SteadyState:
    """Shows that messages arrive on time: by the traffic that is there, else by one message of a new user.

    And that every instance is ready.
    """

    def __init__(
        self, recorder: Recorder, instances: Instances, users: Users, messages: Messages, readers: Readers
    ) -> None:
        self._recorder = recorder
        self._instances = instances
        self._users = users
        self._messages = messages
        self._readers = readers

    def require_before_the_first_fault(self) -> None:
        """Raise NotNormal if no message arrives. A server that has not been started has no state yet."""
        if self._instances.targets and not self.holds() and not self._is_shown(0):
            raise NotNormal(f"{NOT_NORMAL}: no message was sent, accepted and received on time")
        if unready := self._stays_unready():
            raise NotNormal(f"{NOT_NORMAL}: {unready}")

    def require_after_the_last_heal(self) -> None:
        """Raise PromiseBroken if there were faults, and afterwards no message arrives, or it is not ready."""
        history = self._recorder.history()
        if not history.faults or not self._instances.targets:
            return
        since_ns = healed_ns(history)
        last = max(history.faults, key=lambda fault: fault.injected_ns).name
        is_promised = is_made("recovers", history.semantics)
        if is_promised and not arrives(history, since_ns) and not self._is_shown(since_ns):
            raise PromiseBroken(
                f"after '{last}' was healed, no message was sent, accepted and received on time"
            )
        if unready := self._stays_unready():
            raise PromiseBroken(f"after '{last}' was healed, {unready}")

    def holds(self) -> bool:
        """Return whether any message has arrived on time so far."""
        return arrives(self._recorder.history(), 0)

    def _stays_unready(self) -> str:
        """Return what an instance answers that is not ready within the time for a recovery, or ''."""
        deadline = time.monotonic() + self._recorder.history().bounds.recovers_within_s
        while (unready := self._instances.unready()) and time.monotonic() < deadline:
            time.sleep(LOOK_AGAIN_S)
        return unready

    def _is_shown(self, since_ns: int) -> bool:
        """Wait until a message arrives that was sent at this time or later; return whether one did."""
        if any(consumer.is_polling for consumer in self._readers.running) and self._waits(since_ns):
            return True
        try:
            user = self._users.new_one()
        except NotHere:
            return True  # the target's profile has no further user, so nothing can be shown
        except NotServed:
            return False
        return self._waits(since_ns, self._writing_to_oneself(user))

    def _writing_to_oneself(self, user: Client) -> Callable[[], object]:
        """Return what polls, and sends now and then: a server that has just begun to serve may refuse one."""
        consumer, next_s = self._readers.new_consumer(user), 0.0

        def look() -> None:
            nonlocal next_s
            if time.monotonic() >= next_s:
                self._messages.send_due(user, user, manner=Manner("Is everything as usual?", None))
                next_s = time.monotonic() + SEND_AGAIN_S
            consumer.poll_once()

        return look

    def _waits(self, since_ns: int, look: Callable[[], object] = lambda: None) -> bool:
        bounds = self._recorder.history().bounds
        deadline = time.monotonic() + bounds.delivered_within_s + bounds.poll_interval_s
        while True:
            look()
            if arrives(self._recorder.history(), since_ns):
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(LOOK_AGAIN_S)


def arrives(history: History, since_ns: int) -> bool:
    """Return whether a message first sent at this time or later was acked, queued and received on time."""
    bounds = history.bounds
    within_ns = (bounds.delivered_within_s + bounds.poll_interval_s) * NS_PER_S
    return any(
        delivery.message is not None
        and delivery.message.ack_ns is not None
        and delivery.message.first_start_ns >= since_ns
        and delivery.poll.end_ns - delivery.message.ack_ns <= within_ns
        and delivery.poll.degraded is not True
        and all(attempt.queued is not False for attempt in delivery.message.attempts)
        for deliveries in match(history).deliveries.values()
        for delivery in deliveries
    )
