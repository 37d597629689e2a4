"""Clients of Redis, made by the scheme of its URL: one server, or the primary that Redis Sentinel names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from reference_server.adapters import redis_sentinel

MAX_CONCURRENT = 32
"""Concurrent commands of one process. More would not be answered sooner, but time out together."""


def connect(url: str, timeout_ms: int, moved: Callable[[], object] = lambda: None) -> redis.Redis:
    """Return a client that never retries and never waits long. It connects on first use.

    `moved` is called whenever the URL leads to another Redis than before, if the client finds that out.
    """
    options = _options(timeout_ms)
    if url.partition("://")[0] in redis_sentinel.SCHEMES:
        return redis_sentinel.connect(url, options, moved)
    return redis.Redis(connection_pool=redis.ConnectionPool.from_url(url, **options))


def _options(timeout_ms: int) -> dict[str, Any]:
    """Return what holds for every connection.

    redis-py would retry ten times: a push could be applied twice, and a dead Redis would cost seconds.
    """
    timeout_s = timeout_ms / 1000
    return {
        "max_connections": 2 * MAX_CONCURRENT,  # the probe and the notifier use it as well
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "health_check_interval": 5,  # detects a dead connection, above all the notifier's
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,  # this and the next line save round trips on every new connection
        "driver_info": None,
    }
