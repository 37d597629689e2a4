"""gunicorn's master, which obeys signals as docs/server.md says: none costs a request that was accepted."""

from __future__ import annotations

import logging
import math
import queue
import signal
import time
from typing import Any

from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]  # gunicorn ships no types
from gunicorn.errors import HaltServer  # type: ignore[import-untyped]  # the same

log = logging.getLogger(__name__)

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
IGNORED = (
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGTTIN,
    signal.SIGTTOU,
    signal.SIGWINCH,
    signal.SIGALRM,
)
"""Log files, a new master and the number of workers: gunicorn's meanings, which are none of this server's."""
BOOT_S = 60.0
"""How long a fresh worker may take to start before the old ones go on."""


class Master(Arbiter):  # type: ignore[misc]  # gunicorn ships no types
    """Ends in order when told to, however often; starts fresh workers on SIGHUP; ignores the rest."""

    def __init__(self, app: Any) -> None:
        self.is_ending = False
        self._hang_up_waits = False
        self._looked_s = time.monotonic()
        self._paused_s = -math.inf
        super().__init__(app)

    def init_signals(self) -> None:
        """Take the signals; named by gunicorn. What was ignored at the start (`nohup`) stays ignored."""
        for number in (*ENDING, signal.SIGHUP):
            if number == signal.SIGTERM or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self.signal)
        for number in IGNORED:
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, self.signal_chld)

    def signal(self, sig: int, frame: Any) -> None:
        """Note a signal for the main loop; named by gunicorn. Hang-ups that wait already are one."""
        if sig == signal.SIGHUP and self._hang_up_waits:
            return
        self._hang_up_waits = self._hang_up_waits or sig == signal.SIGHUP
        self.is_ending = self.is_ending or sig in ENDING
        super().signal(sig, frame)

    def _end(self) -> None:
        for number in (*ENDING, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # it takes seconds, and gunicorn would cut it short
        self.SIG_QUEUE: queue.SimpleQueue[int] = queue.SimpleQueue()
        log.info("Told to stop")
        raise StopIteration

    handle_term = handle_int = handle_quit = _end

    def reload(self) -> None:
        """Replace the workers one by one, each once its successor serves; named by gunicorn.

        gunicorn's own way ends them all at once, and nobody answers until the fresh ones have started.
        """
        self._hang_up_waits = False
        log.info("Told to hang up: fresh workers are started")
        for old in list(self.WORKERS):
            fresh = self.spawn_worker()
            if not self._comes_to_serve(fresh):
                if not self.is_ending:
                    log.error("A fresh worker does not serve, and the old ones go on")
                    self._abandon(fresh)
                return
            self._tell_to_end(old)

    def _comes_to_serve(self, fresh: int) -> bool:
        """Wait for it, unless the server is told to stop."""
        give_up_s = time.monotonic() + BOOT_S
        while time.monotonic() < give_up_s and not self.is_ending:
            self._reap_in_any_case()
            if fresh not in self.WORKERS:
                return False
            if self.WORKERS[fresh].serves:
                return True
            time.sleep(0.05)
        return False

    def _tell_to_end(self, worker: int) -> None:
        if worker in self.WORKERS:
            self.kill_worker(worker, signal.SIGTERM)

    def _abandon(self, fresh: int) -> None:
        self._tell_to_end(fresh)
        give_up_s = time.monotonic() + self.cfg.graceful_timeout
        while fresh in self.WORKERS and time.monotonic() < give_up_s:
            self._reap_in_any_case()
            time.sleep(0.05)

    def _reap_in_any_case(self) -> None:
        """Here it does not end the server that a worker could not start: others serve."""
        try:
            self.reap_workers()
        except HaltServer as error:
            log.error("%s", error.reason)

    def murder_workers(self) -> None:
        """End workers that hang; named by gunicorn. Those that were paused with this process do not."""
        now_s = time.monotonic()
        if now_s - self._looked_s > self.timeout / 2:
            self._paused_s = now_s
        self._looked_s = now_s
        if now_s - self._paused_s > self.timeout:
            super().murder_workers()
