"""Whether the drivers take the stores' URLs, asked in a process of its own that connects to nothing.

The master must not import a driver: gevent patches the standard library in the workers, before they do. And a
worker that finds out ends the server with a trace.
"""

from __future__ import annotations

import os
import ssl
import warnings
from collections.abc import Callable

from reference_server.config import Config
from reference_server.setting import ConfigError

_BAD = {1: "REDIS_URL", 2: "MONGODB_URL"}


def check(config: Config) -> None:
    """Raise ConfigError for a URL with which a driver makes no client. Its own words may hold a secret."""
    child = os.fork()
    if child == 0:
        os._exit(_verdict(config))
    _, status = os.waitpid(child, 0)
    variable = _BAD.get(os.waitstatus_to_exitcode(status))
    if variable is not None:
        why = "parts of it contradict each other, or it names a file that cannot be read"
        raise ConfigError(f"{variable} cannot be used: {why}.")


def _verdict(config: Config) -> int:
    return 1 if _fails(lambda: _redis(config)) else 2 if _fails(lambda: _mongodb(config)) else 0


def _fails(make: Callable[[], None]) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # with which pymongo tells of what it drops
            make()
    except Exception:  # noqa: BLE001 - whatever a driver raises, the URL cannot be used
        return True
    return False


def _redis(config: Config) -> None:
    from reference_server.adapters import redis_queue

    pool = redis_queue.connect(config.redis_url, config.redis_timeout_ms).connection_pool
    pool.make_connection()
    said = pool.connection_kwargs  # redis-py reads files when it connects
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if said.get("ssl_certfile") or said.get("ssl_keyfile"):
        tls.load_cert_chain(said["ssl_certfile"], said.get("ssl_keyfile"), said.get("ssl_password"))
    if said.get("ssl_ca_certs") or said.get("ssl_ca_path"):
        tls.load_verify_locations(said.get("ssl_ca_certs"), said.get("ssl_ca_path"))


def _mongodb(config: Config) -> None:
    from reference_server.adapters import mongo

    mongo.connect(config.mongodb_url, config.mongodb_timeout_ms)
