"""Services that the user runs, named by a URL: asking their versions, and rewriting their URLs."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pymongo
import pymongo.errors
import redis
import redis.backoff
import redis.retry
import requests

from harness.errors import InfrastructureError, UsageError
from harness.stack.probe import Address
from harness.stack.toxics import ProxyServer

ANSWER_DEADLINE_S = 3.0
DEFAULT_PORTS = {"redis": 6379, "mongodb": 27017, "http": 8474}


def redis_version(url: str) -> str:
    """Return the version of the Redis at `url`. Raise UsageError when it does not answer."""
    address_of(url, "redis", "REDIS_URL")
    never = redis.retry.Retry(redis.backoff.NoBackoff(), 0)
    client = redis.Redis.from_url(
        url, retry=never, socket_timeout=ANSWER_DEADLINE_S, socket_connect_timeout=ANSWER_DEADLINE_S
    )
    try:
        return str(client.info("server")["redis_version"])
    except redis.RedisError as error:
        raise UsageError(f"REDIS_URL ({shown(url)}) does not answer: {str(error).rstrip('.')}.") from error
    finally:
        client.close()


def mongodb_version(url: str) -> str:
    """Return the version of the MongoDB at `url`.

    Raise UsageError when it does not answer or is not the primary of a replica set, which majority writes
    need.
    """
    address_of(url, "mongodb", "MONGODB_URL")
    try:
        client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
            url, timeoutMS=int(ANSWER_DEADLINE_S * 1000), directConnection=True
        )
        with client:
            hello = client.admin.command("hello")
            version = str(client.server_info()["version"])
    except pymongo.errors.PyMongoError as error:
        raise UsageError(f"MONGODB_URL ({shown(url)}) does not answer: {str(error).rstrip('.')}.") from error
    if not hello.get("setName") or not hello.get("isWritablePrimary"):
        raise UsageError(
            f"MONGODB_URL ({shown(url)}) is not the primary of a replica set: start it with --replSet and run"
            " rs.initiate(), because majority writes and transactions need one."
        )
    return version


def toxiproxy_version(url: str) -> str:
    """Return the version of the Toxiproxy with its API at `url`. Raise UsageError when it does not answer."""
    address_of(url, "http", "TOXIPROXY_URL")
    try:
        return ProxyServer(url).version()
    except (InfrastructureError, requests.RequestException, KeyError) as error:
        raise UsageError(
            f"TOXIPROXY_URL ({shown(url)}) does not answer: {str(error).rstrip('.')}."
        ) from error


def address_of(url: str, scheme: str, variable: str) -> Address:
    """Return host and port of a URL that names one server.

    Raise UsageError for several hosts, TLS and DNS seed lists: a proxy forwards to one plain TCP port.
    """
    parts = urlsplit(url)
    if parts.scheme != scheme or "," in parts.netloc or not parts.hostname:
        raise UsageError(
            f"{variable} ({shown(url)}) must be {scheme}://HOST:PORT with one host and without TLS,"
            " because a fault proxy is put in front of it."
        )
    try:
        return parts.hostname, parts.port or DEFAULT_PORTS[scheme]
    except ValueError as error:
        raise UsageError(f"{variable} ({shown(url)}) has no valid port: {error}.") from error


def at_address(url: str, address: Address, **parameters: str) -> str:
    """Return the URL with another host and port, and with these parameters; user and password stay."""
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    query = dict(parse_qsl(parts.query)) | parameters
    path = parts.path or ("/" if query else "")
    return urlunsplit(
        (parts.scheme, f"{user}{at}{address[0]}:{address[1]}", path, urlencode(query), parts.fragment)
    )


def shown(url: str) -> str:
    """Return the URL without its password, for messages."""
    user, at, _ = urlsplit(url).netloc.rpartition("@")
    secret = user.partition(":")[2]
    return url.replace(f":{secret}@", ":…@", 1) if at and secret else url
