"""The `run` that a scenario is given: its users, their traffic, faults, waits and checks, each by name."""

from __future__ import annotations

from random import Random
from typing import Any

from harness.checkers import is_made
from harness.client.patience import Patience
from harness.client.variety.variety import Variety
from harness.faults import FaultInjector
from harness.history import Recorder
from harness.run.checks import Checks
from harness.run.clusters import Clusters
from harness.run.complaints import Complaints
from harness.run.mailboxes import Mailboxes
from harness.run.measure import Measure
from harness.run.messages import Messages
from harness.run.queue_check import QueueCheck
from harness.run.queues import Queues
from harness.run.readers import Readers
from harness.run.seen import Seen
from harness.run.senders import Senders
from harness.run.steady import SteadyState
from harness.run.traffic import Traffic
from harness.run.users import Users
from harness.run.vitals import Vitals
from harness.run.waits import Waits
from harness.stack.stores import others
from harness.targets.instances import Instances
from harness.targets.profile import Profile
from harness.verdict import Checker


class Run:
    """One scenario's run against its own server on its own database."""

    def __init__(
        self,
        *,
        profile: Profile,
        recorder: Recorder,
        faults: FaultInjector,
        instances: Instances,
        clusters: Clusters,
        queues: Queues,
        vitals: Vitals,
        seed: int,
        minutes: float,
    ) -> None:
        self.bounds = profile.bounds
        self.policy = profile.policy
        self.knows_queues = profile.knows_queues
        self.statuses = profile.statuses
        self.has = profile.has
        self.wire = profile.wire
        self.semantics = profile.semantics
        self.upstreams = others(profile.stores)
        """The stores that only the profile knows."""
        self.minutes = minutes
        """How long a long row lasts."""
        self.measured: dict[str, Any] = {}
        """Numbers for the report; their names end in their unit."""

        self.random = Random(seed)
        self.variety = Variety(
            seed, profile.has, longest_message=profile.policy.longest_message, able=profile.able
        )
        self.recorder = recorder
        self.instances = instances
        self.faults = faults
        self.clusters = clusters
        self.vitals = vitals

        complaints = Complaints(recorder, slowed=profile.statuses.slowed)
        patience = Patience()
        known_queues = queues if profile.knows_queues and self.promises("bounded") else None
        self.users = Users(instances, recorder, self.variety)
        self.messages = Messages(recorder, self.variety, complaints, patience)
        self.senders = Senders(self.messages, recorder, self.random)
        self.readers = Readers(recorder, self.variety, self.random, complaints, patience, profile.semantics)
        self.traffic = Traffic(self.users, self.senders, self.readers)
        self.wait = Waits(recorder, self.readers)
        self.queues = QueueCheck(known_queues, recorder, self.measured)
        self.mailboxes = Mailboxes(recorder, self.senders, self.readers, self.wait, self.queues)
        self.measure = Measure(self.messages, self.readers, self.measured)
        self.seen = Seen(recorder)
        self.steady = SteadyState(recorder, instances, self.users, self.messages, self.readers)
        self.checks = Checks(recorder, complaints, knows_queues=known_queues is not None)

    def promises(self, promise: str) -> bool:
        """Whether the target makes a promise; what a row checks by itself may not demand another one."""
        return is_made(promise, self.semantics)

    def check(self, *checkers: Checker) -> None:
        """Judge the history so far by these promises.

        Raise PromiseBroken if one is broken, else Inconclusive if one cannot be decided.
        """
        self.checks.check(checkers)

    def close(self) -> None:
        """End the traffic and close what the users had open."""
        try:
            self.traffic.stop()
        finally:
            self.users.close()
