"""Faults of the server under test: a worker or all of it is killed, or it is sent SIGTERM or SIGHUP."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

import psutil

from harness.errors import DeadlineMissed, InfrastructureError, NeverReady, NotServed
from harness.faults.fault import Breakage, Fault, Observation, nothing, swallow
from harness.faults.injector import Injector
from harness.stack import Target, wait_until
from harness.stack.probe import Sighting
from harness.stack.reaper import alive, kill_each

MID_PUSH_WITHIN_S = 5.0
REPLACED_WITHIN_S = 15.0
STOPS_WITHIN_S = 10.0
"""Within this time after SIGTERM the server must have answered what it accepted, and ended."""


class ServerFaults(Injector):
    """Faults of the first instance of the server, proven by the end of its processes."""

    def worker_killed(self) -> AbstractContextManager[Fault]:
        """`kill -9` for one worker; the server has to start another one by itself."""
        return self._workers_killed("worker killed", lambda workers: workers[:1])

    def workers_killed(self) -> AbstractContextManager[Fault]:
        """`kill -9` for all workers at once."""
        return self._workers_killed("workers killed", lambda workers: workers)

    def workers_killed_in_mid_push(self, is_mid_push: Callable[[], bool]) -> AbstractContextManager[Fault]:
        """`kill -9` for all workers while one of them is between its insert and its push.

        Redis goes silent, so that pushes hang; the workers are killed as soon as `is_mid_push` is true. Redis
        stays silent while it lasts.
        """
        proxy = self._services.proxies["redis"]

        def hang_a_push() -> None:
            swallow(proxy)
            try:
                wait_until(is_mid_push, deadline_s=MID_PUSH_WITHIN_S, what="a send that hangs in its push")
            except DeadlineMissed as error:  # due to the server: each send was answered, or cut off
                raise NotServed(str(error)) from error

        return self._workers_killed(
            "workers killed in mid-push", lambda workers: workers, before=hang_a_push, heal=proxy.heal
        )

    def server_killed(self) -> AbstractContextManager[Fault]:
        """`kill -9` for the server with all its workers; it is started again at the end."""
        target = self._instances.first
        return self._server_ended("killed", target, target.kill)

    def server_stopped(self) -> AbstractContextManager[Fault]:
        """SIGTERM; the server is started again at the end."""
        target = self._instances.first

        def stop() -> None:
            since_ns = time.monotonic_ns()
            if not target.stop(deadline_s=STOPS_WITHIN_S):
                what = f"the server to end by itself within {STOPS_WITHIN_S:g} s of SIGTERM"
                self._record_gave_up("stop", what, since_ns)

        return self._server_ended("stopped", target, stop)

    def hang_up(self) -> AbstractContextManager[Fault]:
        """SIGHUP to all processes of the server, which must keep serving; it has time to replace its workers.

        Whether it serves is not checked here, but by the traffic of the users.
        """
        target = self._instances.first
        old = target.workers()

        def send() -> None:
            target.require_running()
            os.killpg(target.pid, signal.SIGHUP)

        def replaced() -> bool:
            return not any(alive(worker) for worker in old) or not target.running

        def wait() -> None:
            with suppress(DeadlineMissed):  # it may keep its workers
                wait_until(replaced, deadline_s=REPLACED_WITHIN_S, what="other workers")

        sent = Observation(lambda: Sighting("sent", 0.0), "sent")
        return self.lasting(Breakage(Fault("signal", "hang-up"), sent, sent, inject=send, heal=wait))

    def _server_ended(
        self, kind: str, target: Target, end: Callable[[], None]
    ) -> AbstractContextManager[Fault]:
        def look() -> Sighting:
            return Sighting("running" if target.running else "ended", 0.0)

        def start_again() -> None:
            since_ns = time.monotonic_ns()
            try:
                target.start()
            except NeverReady as error:
                self._record_gave_up("serving", str(error), since_ns)
                raise NotServed(error.sentence, last_lines=error.last_lines) from error

        return self.lasting(
            Breakage(
                Fault("server", kind),
                _serving(target, 0),
                Observation(look, "ended"),
                inject=end,
                heal=start_again,
                needs_a_serving_server=True,
            )
        )

    def _workers_killed(
        self,
        kind: str,
        choose: Callable[[list[psutil.Process]], list[psutil.Process]],
        *,
        before: Callable[[], None] = nothing,
        heal: Callable[[], None] = nothing,
    ) -> AbstractContextManager[Fault]:
        target = self._instances.first
        workers = target.workers()
        if not workers:
            raise InfrastructureError("The server under test has no worker processes that could be killed.")
        victims = choose(workers)

        def kill() -> None:
            before()
            kill_each(victims)

        def look() -> Sighting:
            return Sighting("running" if any(alive(victim) for victim in victims) else "ended", 0.0)

        health = _serving(target, len(workers))
        proof = Observation(look, "ended")
        fault = Fault("server", kind)
        return self.lasting(Breakage(fault, health, proof, kill, heal, needs_a_serving_server=True))


def _serving(target: Target, workers: int) -> Observation:
    """Return a look at whether it answers, with at least this many workers."""

    def look() -> Sighting:
        try:
            serves = target.ready() and len(target.workers()) >= workers
        except target.not_ready_yet as error:
            return Sighting(type(error).__name__, 0.0)
        return Sighting("serving" if serves else "not serving", 0.0)

    return Observation(look, "serving")
