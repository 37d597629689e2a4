"""Check that the drivers accept the stores' URLs, in a child process that connects to nothing.

The master must not make a driver's client, which may start threads: workers are copies of it. And a worker
that finds an illegal URL would end the server with a traceback.
"""

from __future__ import annotations

import os
import ssl
import warnings
from collections.abc import Callable

from gevent.monkey import get_original
from gevent.os import fork_gevent

from reference_server.config import Config
from reference_server.setting import ConfigError
from reference_server.store_url import is_cluster

# gevent's own would wait for ever for a child that ended before gevent has installed its handler of SIGCHLD.
_waitpid = get_original("os", "waitpid")

_BAD = {1: "REDIS_URL", 2: "MONGODB_URL"}


def check(config: Config) -> None:
    """Raise ConfigError for a URL that a driver refuses. The driver's own message may hold a secret.

    The drivers are imported here, so gevent must have patched the standard library.
    """
    from reference_server.adapters import mongo, redis_clients  # noqa: F401 - before the fork: the workers need them, too

    child = fork_gevent()
    if child == 0:
        os._exit(_exit_code(config))
    _, status = _waitpid(child, 0)
    variable = _BAD.get(os.waitstatus_to_exitcode(status))
    if variable is not None:
        why = "parts of it contradict each other, or it names a file that cannot be read"
        raise ConfigError(f"{variable} cannot be used: {why}.")


def _exit_code(config: Config) -> int:
    return 1 if _fails(lambda: _redis(config)) else 2 if _fails(lambda: _mongodb(config)) else 0


def _fails(make: Callable[[], None]) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # pymongo warns about options that it ignores
            make()
    except Exception:  # noqa: BLE001 - whatever a driver raises, the URL cannot be used
        return True
    return False


def _redis(config: Config) -> None:
    from reference_server.adapters import cluster_topology, redis_clients

    url = config.redis_url
    if is_cluster(url):
        nodes, url_of = cluster_topology.split_url(url)
        url = url_of(nodes[0])
    pool = redis_clients.connect(url, config.redis_timeout_ms).connection_pool
    pool.make_connection()
    options = pool.connection_kwargs  # redis-py reads files only when it connects
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if options.get("ssl_certfile") or options.get("ssl_keyfile"):
        tls.load_cert_chain(options["ssl_certfile"], options.get("ssl_keyfile"), options.get("ssl_password"))
    if options.get("ssl_ca_certs") or options.get("ssl_ca_path"):
        tls.load_verify_locations(options.get("ssl_ca_certs"), options.get("ssl_ca_path"))


def _mongodb(config: Config) -> None:
    from reference_server.adapters import mongo

    mongo.connect(config.mongodb_url, config.mongodb_timeout_ms)
