"""Faults of a Redis that sentinels watch: its primary is killed, cut off or replaced."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from harness.faults.fault import Breakage, Fault, Observation
from harness.faults.injector import Injector
from harness.stack.probe import Sighting
from harness.stack.sentinel import Node, WatchedRedis


class SentinelFaults(Injector):
    """Faults of a primary with replicas and sentinels of the harness's own."""

    def redis_primary_killed(self, watched: WatchedRedis) -> AbstractContextManager[Fault]:
        """`kill -9` for the primary; over when the sentinels have promoted a replica.

        What was killed stays away: `WatchedRedis.rejoin` brings it back.
        """
        primary = watched.the_primary()
        return self.lasting(
            Breakage(
                Fault("redis", "primary killed"),
                health=_has_primary(watched),
                proof=_word(lambda: "running" if primary.running else "ended", "ended"),
                inject=primary.kill,
                heal=lambda: watched.await_another(primary),
            )
        )

    def redis_primary_cut_off(self, watched: WatchedRedis) -> AbstractContextManager[Fault]:
        """Neither sentinels nor replicas reach the primary, and clients do: soon there are two primaries.

        Over when the former one is a replica and has all data of the new one.
        """
        primary = watched.the_primary()

        def let_in() -> None:
            watched.await_another(primary)
            primary.let_in()
            watched.settle()

        return self.lasting(
            Breakage(
                Fault("redis", "primary cut off"),
                health=_has_primary(watched),
                proof=_word(lambda: _replicas(primary), "no replica"),
                inject=lambda: primary.cut_off(sentinels=True),
                heal=let_in,
            )
        )

    def redis_replicas_cut_off(self, watched: WatchedRedis) -> AbstractContextManager[Fault]:
        """No replica gets what is written from now on; nothing else changes until one is promoted."""
        primary = watched.the_primary()
        return self.lasting(
            Breakage(
                Fault("replica", "cut off"),
                health=_has_primary(watched),
                proof=_word(lambda: _replicas(primary), "no replica"),
                inject=lambda: primary.cut_off(sentinels=False),
                heal=lambda: primary.let_in() if primary.running else None,
            )
        )

    def redis_promoted(self, watched: WatchedRedis, chosen: Node) -> AbstractContextManager[Fault]:
        """An operator has Sentinel promote a replica; over when all sentinels name it.

        The former primary goes on taking writes for a moment.
        """
        return self.lasting(
            Breakage(
                Fault("redis", "promoted by hand"),
                health=_has_primary(watched),
                proof=_word(lambda: "begun" if watched.is_promoting(chosen) else "not begun", "begun"),
                inject=lambda: watched.begin_failover_to(chosen),
                heal=lambda: watched.end_failover_to(chosen),
            )
        )


def _replicas(primary: Node) -> str:
    replicas = primary.replicas()
    return f"{replicas} replicas" if replicas else "no replica"


def _has_primary(watched: WatchedRedis) -> Observation:
    return _word(lambda: "one primary" if watched.primary() else "none that all name", "one primary")


def _word(word: Callable[[], str], shows: str) -> Observation:
    return Observation(lambda: Sighting(word(), 0.0), shows)
