"""Faults of a MongoDB replica set: its primary is lost, a member stops, no majority is left.

Losing the primary lasts until another one commits writes, and what was lost stays away:
`ReplicaSet.rejoin` brings it back, which no client may notice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from harness.errors import InfrastructureError
from harness.faults.fault import Breakage, Fault, Observation
from harness.faults.injector import Injector
from harness.stack.probe import QUESTIONS, Sighting, look
from harness.stack.replica_set import Member, ReplicaSet
from harness.stack.toxics import Proxy

STEPS_DOWN_FOR_S = 10
CATCHES_UP_WITHIN_S = 5


class ReplicaSetFaults(Injector):
    """Faults of a replica set of the harness's own."""

    def mongodb_primary_killed(self, replica_set: ReplicaSet) -> AbstractContextManager[Fault]:
        """`kill -9` for the primary; over when another one is elected."""
        primary = replica_set.the_primary()
        return self._primary_lost(replica_set, "primary killed", _ended(primary), primary.kill)

    def mongodb_stepped_down(self, replica_set: ReplicaSet) -> AbstractContextManager[Fault]:
        """The primary hands over to another member, as for maintenance."""
        primary = replica_set.the_primary()

        def step_down() -> None:
            command = {
                "replSetStepDown": STEPS_DOWN_FOR_S,
                "secondaryCatchUpPeriodSecs": CATCHES_UP_WITHIN_S,
            }
            answer = primary.ask(command, timeout_s=2 * CATCHES_UP_WITHIN_S)
            if not answer.get("ok"):
                raise InfrastructureError(f"The primary did not step down: {answer.get('errmsg', answer)}.")

        proof = _states(lambda: "primary" if primary.is_primary() else "no primary", "no primary")
        return self._primary_lost(replica_set, "stepped down", proof, step_down)

    def mongodb_primary_cut_off(
        self, replica_set: ReplicaSet, *, with_clients: bool
    ) -> AbstractContextManager[Fault]:
        """No other member reaches the primary any more; `with_clients`: and no client does.

        It still reaches them, so it learns that it was replaced. Until then there can be two primaries.
        """
        ways = replica_set.ways[replica_set.the_primary()]
        closed = [ways.members, *([ways.clients] if with_clients else [])]
        kind = "primary cut off with its clients" if with_clients else "primary cut off"

        def cut() -> None:
            for way in closed:
                way.disable()

        return self._primary_lost(replica_set, kind, _states(lambda: _seen_at(closed), "refused"), cut)

    def mongodb_divided(self, replica_set: ReplicaSet) -> AbstractContextManager[Fault]:
        """The primary and the other members do not reach each other, and clients reach all of them.

        So it does not learn that it was replaced: it steps down when it has not heard from a majority for the
        time of an election.
        """
        primary = replica_set.the_primary()
        network, way = primary.network, replica_set.ways[primary].members
        assert network is not None, "the set is divisible"

        def seen() -> str:
            return "neither" if _seen_at([way]) == "refused" and network.refused else "one way at least"

        return self._primary_lost(
            replica_set, "divided", _states(seen, "neither"), lambda: replica_set.divide(primary)
        )

    def mongodb_majority_lost(self, replica_set: ReplicaSet) -> AbstractContextManager[Fault]:
        """All members but the primary stand still; they go on at the end."""
        others = replica_set.secondaries()

        def pause() -> None:
            for member in others:
                member.pause()

        return self.lasting(
            Breakage(
                Fault("mongodb", "majority lost"),
                health=_commits(replica_set),
                proof=_states(lambda: "commits" if replica_set.primary() else "no majority", "no majority"),
                inject=pause,
                heal=replica_set.rejoin,
            )
        )

    def member_paused(self, replica_set: ReplicaSet) -> AbstractContextManager[Fault]:
        """A member that is not the primary stands still, and lags until the end."""
        lagging = replica_set.secondaries()[0]

        def silent() -> str:
            return look(lagging.address, QUESTIONS["mongodb"]).saw

        return self.lasting(
            Breakage(
                Fault("member", "paused"),
                health=_commits(replica_set),
                proof=_states(silent, "silent"),
                inject=lagging.pause,
                heal=replica_set.rejoin,
            )
        )

    def _primary_lost(
        self, replica_set: ReplicaSet, kind: str, proof: Observation, inject: Callable[[], None]
    ) -> AbstractContextManager[Fault]:
        health, fault = _commits(replica_set), Fault("mongodb", kind)
        return self.lasting(Breakage(fault, health, proof, inject=inject, heal=replica_set.await_primary))


def _ended(member: Member) -> Observation:
    return _states(lambda: "running" if member.running else "ended", "ended")


def _commits(replica_set: ReplicaSet) -> Observation:
    return _states(lambda: "commits" if replica_set.primary() else "no primary", "commits")


def _states(word: Callable[[], str], shows: str) -> Observation:
    return Observation(lambda: Sighting(word(), 0.0), shows)


def _seen_at(ways: Sequence[Proxy]) -> str:
    """Return what a probe sees at these proxies."""
    return ", ".join(sorted({look(way.listen, QUESTIONS["mongodb"]).saw for way in ways}))
