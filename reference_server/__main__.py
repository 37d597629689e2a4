"""`python -m reference_server`: read the settings, open the sockets, and run gunicorn with gevent workers.

Every module that imports a driver is imported after gevent has patched the standard library, and before the
workers start: they are copies of the master, and import nothing again.
"""

from __future__ import annotations

import importlib
import logging
import os
import resource
import signal
import socket
import sys
from typing import NoReturn

WRONG_USAGE = 2
MIN_OPEN_FILES = 256
EXTRA = "python -m pip install 'pollproof[server]'"

try:
    from gevent import monkey

    from reference_server import logs
    from reference_server.config import Config
    from reference_server.process import listening, options, url_check
    from reference_server.process.application import CONNECTIONS, Gunicorn
    from reference_server.process.metrics_folder import MetricsFolder
    from reference_server.setting import ConfigError
except ImportError as error:
    print(f"pollproof-server: {error}: run `{EXTRA}`", file=sys.stderr)  # noqa: T201
    sys.exit(WRONG_USAGE)

log = logging.getLogger(__name__)


def main() -> int:
    """Run until a signal stops the server; return the exit code."""
    options.parser().parse_args()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # until it serves, Ctrl-C ends it without a traceback
    try:
        config = Config.from_env(_environment())
        monkey.patch_all()
        url_check.check(config)
        logs.configure(config.log_level, config.log_format)
        files = _allow_open_files(2 * CONNECTIONS)
        metrics = MetricsFolder()
        listeners = _sockets(config, metrics)
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the log is not configured yet
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
        _ignore_a_closed_stderr()
    return 0


def _sockets(config: Config, metrics: MetricsFolder) -> list[socket.socket]:
    """Import what workers need, which takes half a second, and listen. Raise ConfigError."""
    try:
        importlib.import_module("reference_server.app")
        return listening.sockets(config.host, config.port)
    except ImportError as error:
        metrics.remove()
        raise ConfigError(f"pollproof-server: {error}: run `{EXTRA}`") from error
    except ConfigError:
        metrics.remove()
        raise


def _environment() -> dict[str, str]:
    """Return the environment, read as UTF-8 in any locale: the same bytes are the same secret everywhere."""
    return {
        os.fsdecode(name): value.decode("utf-8", "surrogateescape") for name, value in os.environb.items()
    }


def _allow_open_files(count: int) -> int:
    """Raise the soft limit of open files as far as the hard limit allows: each connection is an open file.

    Return the new limit. Raise ConfigError if it is too low.
    """
    soft, hard = (
        count if it == resource.RLIM_INFINITY else it for it in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    allowed = max(soft, min(count, hard))
    if allowed < MIN_OPEN_FILES:
        raise ConfigError(
            f"The limit of open files (`ulimit -n`) must be at least {MIN_OPEN_FILES}, not {hard}."
        )
    if allowed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    return allowed


def _ignore_a_closed_stderr() -> None:
    """Redirect stderr if its reader is gone: Python would exit with code 120 for lines it could not write."""
    try:
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _end(status: object) -> NoReturn:
    """End at once: to tear every module down, Python would take 0.15 s of a processor."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else 1)


if __name__ == "__main__":
    try:
        code: object = main()
    except SystemExit as end:  # gunicorn's
        code = end.code
    _end(code)
