"""`python -m reference_server`: reads the settings, listens, hands the socket to gunicorn's gevent workers.

Everything that imports a driver is imported in the worker, after gevent has patched the standard library.
"""

from __future__ import annotations

import logging
import os
import resource
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # gunicorn ships no types
from gunicorn.glogging import Logger  # type: ignore[import-untyped]  # the same

from reference_server import logs
from reference_server.config import Config
from reference_server.metrics_folder import MetricsFolder
from reference_server.setting import ConfigError
from reference_server.worker import Worker

if TYPE_CHECKING:
    from reference_server.app import Server

log = logging.getLogger(__name__)

WRONG_USAGE = 2
GRACE_S = 3
"""How long requests may take to finish after SIGTERM. Waiting polls are woken, so none takes longer."""
CONNECTIONS = 10_000
"""Of one worker. A poll that waits holds one, and with all of them held not even a send would be let in."""
KEEP_ALIVE_S = 15
"""Long enough that a client which polls every few seconds keeps its connection."""
_BIND_PATIENCE_S = 3.0
"""Workers of a killed master notice within a second, and hold the port until then."""


class GunicornLog(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's own lines, among ours and in our format."""

    def setup(self, cfg: Any) -> None:
        """Leave the lines to the root logger; named by gunicorn."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Gunicorn(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn, configured in code: a master that listens and respawns workers that each make a server."""

    def __init__(self, config: Config, listener: socket.socket) -> None:
        self._config = config
        self._listener = listener
        self._server: Server | None = None
        self._metrics = MetricsFolder()
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's settings; named by gunicorn."""
        settings: dict[str, Any] = {
            "bind": f"fd://{self._listener.detach()}",
            "workers": self._config.workers,
            "worker_class": Worker,
            "graceful_timeout": GRACE_S,
            "keepalive": KEEP_ALIVE_S,
            "worker_connections": CONNECTIONS,
            "loglevel": "warning",
            "logger_class": GunicornLog,
            "forwarded_allow_ips": "",  # nobody, as long as TRUSTED_PROXIES does not say so
            "control_socket_disable": True,  # a file in the home directory: two servers would share it
            "post_worker_init": self._watch,
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

    def _watch(self, worker: Any) -> None:
        """Let no poll wait any more once gunicorn tells the worker to stop."""

        def wait_for_the_end() -> None:
            while worker.alive:
                time.sleep(0.2)
            if self._server is not None:
                self._server.doorbell.stop()

        threading.Thread(target=wait_for_the_end, name="watch", daemon=True).start()


def listen(host: str, port: int) -> socket.socket:
    """Listen, waiting a moment for a port that is just being given up. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    deadline = time.monotonic() + _BIND_PATIENCE_S
    while True:
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(2048)
        except OSError:
            listener.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return listener


def _allow_open_files(count: int) -> None:
    """Raise the soft limit, often 1,024, as far as the hard one allows: each connection is an open file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> int:
    """Run until told to stop; give the exit code."""
    try:
        config = Config.from_env(os.environ)
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201 - says why it does not start, before there is a log
        return WRONG_USAGE
    logs.configure(config.log_level, config.log_format)
    try:
        listener = listen(config.host, config.port)
    except OSError as error:
        sentence = f"HOST and PORT: cannot listen on {config.host}:{config.port}: {error.strerror}."
        print(sentence, file=sys.stderr)  # noqa: T201 - the same
        return WRONG_USAGE
    _allow_open_files(CONNECTIONS + 1000)
    log.info("Listening on http://%s:%d", config.host, config.port)
    Gunicorn(config, listener).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
