"""gunicorn's master, with the signals of docs/server.md: no signal drops a request that was accepted."""

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

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
IGNORED_SIGNALS = (
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGTTIN,
    signal.SIGTTOU,
    signal.SIGWINCH,
    signal.SIGALRM,
)
"""To gunicorn they mean: reopen log files, start a new master, change the number of workers."""
BOOT_S = 60.0
"""How long a new worker may take to start; after that the old workers stay."""


class Master(Arbiter):  # type: ignore[misc]  # gunicorn ships no types
    """Stops gracefully on the first stop signal, replaces its workers on SIGHUP, and ignores the rest."""

    def __init__(self, app: Any) -> None:
        self.is_stopping = False
        self._reload_is_queued = False
        self._checked_s = time.monotonic()
        self._paused_s = -math.inf
        super().__init__(app)

    def init_signals(self) -> None:
        """Install the handlers. What was ignored at the start (`nohup`) stays ignored.

        Override gunicorn's method.
        """
        for number in (*STOP_SIGNALS, signal.SIGHUP):
            if number == signal.SIGTERM or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self.signal)
        for number in IGNORED_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, self.signal_chld)

    def signal(self, sig: int, frame: Any) -> None:
        """Queue a signal for the main loop. Several SIGHUPs in the queue count once.

        Override gunicorn's method.
        """
        if sig == signal.SIGHUP and self._reload_is_queued:
            return
        self._reload_is_queued = self._reload_is_queued or sig == signal.SIGHUP
        self.is_stopping = self.is_stopping or sig in STOP_SIGNALS
        super().signal(sig, frame)

    def _stop(self) -> None:
        for number in (*STOP_SIGNALS, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # on a second signal gunicorn would drop requests
        self.SIG_QUEUE: queue.SimpleQueue[int] = queue.SimpleQueue()
        log.info("Stopping")
        raise StopIteration

    handle_term = handle_int = handle_quit = _stop

    def reload(self) -> None:
        """Replace the workers one by one, each as soon as its successor serves. Override gunicorn's method.

        gunicorn would stop them all at once, and no worker would answer until the new ones have started.
        """
        self._reload_is_queued = False
        log.info("Reloading: replacing the workers one by one")
        for old in list(self.WORKERS):
            new = self.spawn_worker()
            if not self._starts_to_serve(new):
                if not self.is_stopping:
                    log.error("A new worker does not serve; keeping the old workers")
                    self._stop_and_reap(new)
                return
            self._stop_worker(old)

    def _starts_to_serve(self, new: int) -> bool:
        """Wait until this worker serves; return False if it ends, is too slow, or the server is stopping."""
        give_up_s = time.monotonic() + BOOT_S
        while time.monotonic() < give_up_s and not self.is_stopping:
            self._reap()
            if new not in self.WORKERS:
                return False
            if self.WORKERS[new].serves:
                return True
            time.sleep(0.05)
        return False

    def _stop_worker(self, worker: int) -> None:
        if worker in self.WORKERS:
            self.kill_worker(worker, signal.SIGTERM)

    def _stop_and_reap(self, worker: int) -> None:
        self._stop_worker(worker)
        give_up_s = time.monotonic() + self.cfg.graceful_timeout
        while worker in self.WORKERS and time.monotonic() < give_up_s:
            self._reap()
            time.sleep(0.05)

    def _reap(self) -> None:
        """Reap dead workers. One that could not start does not end the server here, as others serve."""
        try:
            self.reap_workers()
        except HaltServer as error:
            log.error("%s", error.reason)

    def murder_workers(self) -> None:
        """Kill workers that hang, but not those that were paused together with this process.

        Override gunicorn's method.
        """
        now_s = time.monotonic()
        if now_s - self._checked_s > self.timeout / 2:
            self._paused_s = now_s
        self._checked_s = now_s
        if now_s - self._paused_s > self.timeout:
            super().murder_workers()
