"""gunicorn, configured in code: a master that listens and respawns workers that each make a server."""

from __future__ import annotations

import gc
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # gunicorn ships no types
from gunicorn.glogging import Logger  # type: ignore[import-untyped]  # the same

from reference_server.config import Config
from reference_server.process.master import Master
from reference_server.process.metrics_folder import MetricsFolder
from reference_server.process.worker import STOP_S, Worker

if TYPE_CHECKING:
    from reference_server.app import Server

CONNECTIONS = 10_000
"""The most connections of one worker. A waiting poll holds one; if all are held, even a send must wait."""


class GunicornLog(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """Passes gunicorn's own log lines to the root logger, which writes them in our format."""

    def setup(self, cfg: Any) -> None:
        """Override gunicorn's method."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Gunicorn(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """The master process, and what it starts workers with."""

    def __init__(
        self,
        config: Config,
        listeners: list[socket.socket],
        metrics: MetricsFolder,
        connections: int = CONNECTIONS,
    ) -> None:
        self._config = config
        self._bind = [f"fd://{listener.detach()}" for listener in listeners]
        self._server: Server | None = None
        self._metrics = metrics
        self._connections = connections
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's settings. Override gunicorn's method."""
        settings: dict[str, Any] = {
            "bind": self._bind,
            "workers": self._config.workers,
            "worker_class": Worker,
            "graceful_timeout": STOP_S,
            "keepalive": self._config.keep_alive_seconds,
            "worker_connections": self._connections,
            "loglevel": "warning",
            "logger_class": GunicornLog,
            "forwarded_allow_ips": "",  # trust no proxy here: TRUSTED_PROXIES decides
            "control_socket_disable": True,  # a file in the home directory: two servers would share it
            "pre_fork": lambda master, worker: self._metrics.restore(),
            "post_fork": _use_default_sigterm,
            "child_exit": lambda master, worker: self._metrics.forget_gauges(worker.pid),
            "on_exit": lambda master: self._metrics.remove(),
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Make this worker's WSGI app after the fork. Override gunicorn's method."""
        from gevent.threadpool import ThreadPool

        from reference_server.app import create_server

        hashing = ThreadPool(1)  # more threads would take the processor from the polls
        self._server = create_server(self._config, offload=hashing.apply, metrics_folder=self._metrics.path)
        self._server.start()
        return self._server.app

    def run(self) -> None:
        """Run until a signal stops the server, then end the process. Override gunicorn's method."""
        gc.freeze()  # what the workers share stays shared
        Master(self).run()

    def wake_polls(self) -> None:
        """Answer all waiting polls, because this worker is ending."""
        if self._server is not None:
            self._server.notifier.stop()


def _use_default_sigterm(master: Master, worker: Worker) -> None:
    """End a worker on SIGTERM until it has set its own handlers: the inherited ones only note the signal."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if master.is_stopping:
        sys.exit(0)
