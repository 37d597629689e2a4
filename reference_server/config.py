"""Every setting of the server, with its default and its legal values.

docs/reference/settings.md is made of this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reference_server.setting import Setting, name, one_of, secret, url, whole_number
from reference_server.store_url import MONGODB_URL, REDIS_URLS

MAX_BODY_BYTES = 256 * 1024
"""A larger request body is answered 413. A message of 10,000 four-byte characters fits, even escaped."""

BOUND_MS = 1000
"""The contract's limit for an answer while a store fails."""
_LOCK_MS = 400
"""How long a send may wait for the lock of a busy mailbox before it asks MongoDB. A poll asks Redis first."""
_REST_MS = 100

_DAY_S = 24 * 3600

SETTINGS: tuple[Setting, ...] = (
    Setting("HOST", "127.0.0.1", name(255, "A-Za-z0-9.:_%-"), "Address to listen on."),
    Setting("PORT", 8000, whole_number(1, 65535), "Port to listen on."),
    Setting("WORKERS", 2, whole_number(1, 64), "Worker processes. One that dies is replaced."),
    Setting("SECRET_KEY", None, secret(32, 4096), "Signs the tokens. It must be the same on every instance."),
    Setting("REDIS_URL", "redis://127.0.0.1:6379/0", url(*REDIS_URLS), "The Redis with the queues."),
    Setting(
        "MONGODB_URL",
        "mongodb://127.0.0.1:27017/",
        url(MONGODB_URL),
        "The store of record. It must be a replica set; one member is enough.",
    ),
    Setting("MONGODB_DATABASE", "chat", name(38, "A-Za-z0-9_-"), "The database with all collections."),
    Setting(
        "POLL_INTERVAL_MS",
        2000,
        whole_number(100, 60_000),
        "The poll interval for clients, sent to them in `poll_after_ms`.",
    ),
    Setting("MESSAGE_LIMIT", 1000, whole_number(1, 10_000), "The most characters in a message."),
    Setting("QUEUE_LIMIT", 1000, whole_number(1, 10_000), "Messages kept in a mailbox's queue."),
    Setting(
        "QUEUE_TTL_SECONDS",
        30 * _DAY_S,
        whole_number(1, 365 * _DAY_S),
        "Lifetime of a Redis key after its last push; also how far back a poll without `since` starts.",
    ),
    Setting("REDIS_TIMEOUT_MS", 250, whole_number(10, 10_000), "The longest wait for an answer from Redis."),
    # After 400 ms for the lock of a busy mailbox (a send) or 250 ms for Redis (a poll), this leaves enough
    # of the second that the contract allows.
    Setting(
        "MONGODB_TIMEOUT_MS",
        450,
        whole_number(10, 10_000),
        "The longest time for a whole operation on MongoDB.",
    ),
    Setting(
        "TOKEN_LIFETIME_SECONDS",
        _DAY_S,
        whole_number(1, 365 * _DAY_S),
        "How long a token is valid after sign-in.",
    ),
    Setting(
        "SIGN_IN_FAILURES_PER_ACCOUNT",
        5,
        whole_number(1, 1_000_000),
        "Failed sign-ins per minute as one user; beyond that, every sign-in as that user is answered 429.",
    ),
    Setting(
        "SIGN_IN_FAILURES_PER_ADDRESS",
        50,
        whole_number(1, 1_000_000),
        "The same from one IPv4 address or IPv6 /64 network.",
    ),
    Setting(
        "REGISTRATIONS_PER_ADDRESS",
        300,
        whole_number(1, 1_000_000),
        "Registrations per hour from one IPv4 address or IPv6 /64 network; beyond that, 429.",
    ),
    Setting(
        "SENDS_PER_SENDER",
        300,
        whole_number(1, 1_000_000),
        "Messages per minute from one user, counted by each worker for itself; beyond that, 429.",
    ),
    Setting(
        "SENDS_PER_ADDRESS",
        3000,
        whole_number(1, 1_000_000),
        "The same from one IPv4 address or IPv6 /64 network.",
    ),
    Setting(
        "HELD_POLLS_PER_USER",
        100,
        whole_number(1, 10_000),
        "Polls of one user that one worker holds open at once; beyond that, polls are answered at once.",
    ),
    Setting(
        "HASHING_QUEUE",
        32,
        whole_number(1, 10_000),
        "Sign-ins and registrations that may wait for hashing in one worker; beyond that, 503.",
    ),
    Setting(
        "TRUSTED_PROXIES",
        0,
        whole_number(0, 10),
        "Reverse proxies in front, each adding to `X-Forwarded-For`. With 0, that header is ignored.",
    ),
    Setting(
        "KEEP_ALIVE_SECONDS",
        75,
        whole_number(1, 3600),
        "How long a connection may be idle. It must exceed the idle timeout of a load balancer in front.",
    ),
    Setting("LOG_LEVEL", "INFO", one_of("DEBUG", "INFO", "WARNING", "ERROR"), "The lowest level to log."),
    Setting(
        "LOG_FORMAT", "text", one_of("text", "json"), "Text lines for people, or one JSON object per line."
    ),
)


@dataclass(frozen=True)
class Config:
    """The validated settings: one field each, named like the variable in lower case."""

    host: str
    port: int
    workers: int
    secret_key: str
    redis_url: str
    mongodb_url: str
    mongodb_database: str
    poll_interval_ms: int
    message_limit: int
    queue_limit: int
    queue_ttl_seconds: int
    redis_timeout_ms: int
    mongodb_timeout_ms: int
    token_lifetime_seconds: int
    sign_in_failures_per_account: int
    sign_in_failures_per_address: int
    registrations_per_address: int
    sends_per_sender: int
    sends_per_address: int
    held_polls_per_user: int
    hashing_queue: int
    trusted_proxies: int
    keep_alive_seconds: int
    log_level: str
    log_format: str

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Config:
        """Read and validate every setting. Raise ConfigError for the first illegal one."""
        values: dict[str, Any] = {
            setting.name.lower(): setting.parse(environment.get(setting.name)) for setting in SETTINGS
        }
        return cls(**values)

    def warnings(self) -> list[str]:
        """Return sentences about legal settings that may break a promise."""
        longest_ms = max(_LOCK_MS, self.redis_timeout_ms) + self.mongodb_timeout_ms + _REST_MS
        if longest_ms <= BOUND_MS:
            return []
        settings = (
            f"REDIS_TIMEOUT_MS={self.redis_timeout_ms} and MONGODB_TIMEOUT_MS={self.mongodb_timeout_ms}"
        )
        return [
            f"With {settings} an answer may take {longest_ms:,} ms while a store fails; "
            f"the contract allows {BOUND_MS:,}"
        ]
