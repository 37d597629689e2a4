"""`python -m reference_server`: reads the settings, listens, hands the sockets to gunicorn's gevent workers.

Everything that imports a driver is imported in the worker, after gevent has patched the standard library.
"""

from __future__ import annotations

import logging
import os
import resource
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # gunicorn ships no types
from gunicorn.glogging import Logger  # type: ignore[import-untyped]  # the same

from reference_server import listening, logs, url_check
from reference_server.config import Config
from reference_server.master import Master
from reference_server.metrics_folder import MetricsFolder
from reference_server.setting import ConfigError
from reference_server.worker import STOP_S, Worker

if TYPE_CHECKING:
    from reference_server.app import Server

log = logging.getLogger(__name__)

WRONG_USAGE = 2
CONNECTIONS = 10_000
"""Of one worker. A poll that waits holds one, and with all of them held not even a send would be let in."""
FEWEST_FILES = 256


class GunicornLog(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's own lines, among ours and in our format."""

    def setup(self, cfg: Any) -> None:
        """Leave the lines to the root logger; named by gunicorn."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Gunicorn(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn, configured in code: a master that listens and respawns workers that each make a server."""

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
        """Set gunicorn's settings; named by gunicorn."""
        settings: dict[str, Any] = {
            "bind": self._bind,
            "workers": self._config.workers,
            "worker_class": Worker,
            "graceful_timeout": STOP_S,
            "keepalive": self._config.keep_alive_seconds,
            "worker_connections": self._connections,
            "loglevel": "warning",
            "logger_class": GunicornLog,
            "forwarded_allow_ips": "",  # nobody, as long as TRUSTED_PROXIES does not say so
            "control_socket_disable": True,  # a file in the home directory: two servers would share it
            "pre_fork": lambda master, worker: self._metrics.restore(),
            "post_fork": _listen_to_the_master,
            "child_exit": lambda master, worker: self._metrics.forget_gauges(worker.pid),
            "on_exit": lambda master: self._metrics.remove(),
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Make this worker's WSGI app; named by gunicorn, which calls it after the fork."""
        from gevent.threadpool import ThreadPool

        from reference_server.app import create_server

        hashing = ThreadPool(1)  # more at once would take the processor from everybody's polls
        self._server = create_server(self._config, offload=hashing.apply, metrics_folder=self._metrics.path)
        self._server.start()
        return self._server.app

    def run(self) -> None:
        """Run until told to stop, then end the process; named by gunicorn."""
        Master(self).run()

    def wake_polls(self) -> None:
        """Let no poll wait any more: this worker ends."""
        if self._server is not None:
            self._server.notifier.stop()


def _listen_to_the_master(master: Master, worker: Worker) -> None:
    """Until the worker has its own handlers it has the master's, which would only note that it is to end."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if master.is_ending:
        sys.exit(0)


def _allow_open_files(count: int) -> int:
    """Raise the soft limit, often 1,024, as far as the hard one allows: each connection is an open file.

    Return the new limit. Raise ConfigError.
    """
    soft, hard = (
        count if it == resource.RLIM_INFINITY else it for it in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    allowed = max(soft, min(count, hard))
    if allowed < FEWEST_FILES:
        raise ConfigError(
            f"The limit of open files (`ulimit -n`) must be at least {FEWEST_FILES}, not {hard}."
        )
    if allowed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    return allowed


def _environment() -> dict[str, str]:
    """Return the environment, read as UTF-8 in any locale: the same bytes are the same secret everywhere."""
    return {
        os.fsdecode(name): value.decode("utf-8", "surrogateescape") for name, value in os.environb.items()
    }


def _let_go_of_a_closed_stderr() -> None:
    """Whoever read the log may be gone: Python would end with exit code 120 for lines it could not write."""
    try:
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def main() -> int:
    """Run until told to stop; give the exit code."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # ends it at once and without a trace, until it serves
    try:
        config = Config.from_env(_environment())
        url_check.check(config)
        logs.configure(config.log_level, config.log_format)
        files = _allow_open_files(2 * CONNECTIONS)
        listeners = listening.sockets(config.host, config.port)
        metrics = MetricsFolder()
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201 - says why it does not start, before there is a log
        return WRONG_USAGE
    for warning in config.warnings():
        log.warning(warning)
    log.info("Listening on %s", " and ".join(map(listening.url, listeners)))
    connections = min(CONNECTIONS, files // 2)  # the other half is for the stores
    if connections < CONNECTIONS:
        log.warning(
            "With at most %d open files (`ulimit -n`), a worker takes %d connections", files, connections
        )
    try:
        Gunicorn(config, listeners, metrics, connections).run()
    finally:
        _let_go_of_a_closed_stderr()
    return 0


if __name__ == "__main__":
    sys.exit(main())
