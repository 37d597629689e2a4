"""Every setting of the server, its default and its legal range: the one place that reads the environment.

`SETTINGS` is the table; docs/server.md shows the same table and a unit test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_BODY_BYTES = 256 * 1024
"""Larger request bodies are answered 413. A message of 10,000 four-byte characters fits, even escaped."""

_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class ConfigError(ValueError):
    """A setting is missing or illegal. The text is one sentence: the variable, and what would be legal."""


@dataclass(frozen=True)
class Setting:
    """One row of the settings table.

    `default` is None for a required setting. `low` and `high` are inclusive bounds: of the value for whole
    numbers, of the length in bytes for text. `choices` or `schemes` (of a URL) narrow a text further.
    """

    name: str
    default: int | str | None
    meaning: str
    low: int = 1
    high: int = 2**31 - 1
    choices: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    number: bool = False

    def legal(self) -> str:
        """What is legal, as the end of a sentence: "a whole number from 1 to 64"."""
        if self.number:
            return f"a whole number from {self.low:,} to {self.high:,}"
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.schemes:
            return "a URL that starts with " + " or ".join(f"{scheme}://" for scheme in self.schemes)
        return f"text of {self.low:,} to {self.high:,} bytes"

    def parse(self, text: str | None) -> int | str:
        """Give the setting's value for the environment's text. Raises ConfigError."""
        if text is None or text.strip() == "":
            if self.default is None:
                raise ConfigError(f"{self.name} is required and must be {self.legal()}.")
            return self.default
        value = self._number(text) if self.number else text
        if value is None or not self._is_legal(value):
            raise ConfigError(f"{self.name} must be {self.legal()}{self._shown(text)}.")
        return value

    def _number(self, text: str) -> int | None:
        text = text.strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None

    def _is_legal(self, value: int | str) -> bool:
        if isinstance(value, int):
            return self.low <= value <= self.high
        if self.choices:
            return value in self.choices
        if self.schemes:
            scheme, separator, rest = value.partition("://")
            return scheme in self.schemes and bool(separator) and bool(rest)
        return self.low <= len(value.encode("utf-8", "surrogateescape")) <= self.high

    def _shown(self, text: str) -> str:
        """Show the bad value, unless it may be a secret (a key, or a URL that carries a password)."""
        return f", not {text!r}" if self.number or self.choices else ""


def _number(name: str, default: int, low: int, high: int, meaning: str) -> Setting:
    return Setting(name, default, meaning, low=low, high=high, number=True)


_MONTH_S = 30 * 24 * 3600

SETTINGS: tuple[Setting, ...] = (
    Setting("HOST", "127.0.0.1", "Address to listen on.", high=255),
    _number("PORT", 8000, 1, 65535, "Port to listen on."),
    _number("WORKERS", 2, 1, 64, "Worker processes; one that is killed is started again."),
    Setting("SECRET_KEY", None, "Signs the bearer tokens; the same on every instance.", low=32, high=4096),
    Setting("REDIS_URL", "redis://127.0.0.1:6379/0", "The queue.", schemes=("redis", "rediss", "unix")),
    Setting(
        "MONGODB_URL",
        "mongodb://127.0.0.1:27017/",
        "The store of record. It must be a replica set; one member is enough.",
        schemes=("mongodb", "mongodb+srv"),
    ),
    Setting("MONGODB_DATABASE", "chat", "The database that holds every collection.", high=38),
    _number("POLL_INTERVAL_MS", 2000, 100, 60_000, "Told to clients in `poll_after_ms`."),
    _number("MESSAGE_LIMIT", 1000, 1, 10_000, "Longest message, in characters."),
    _number("QUEUE_LIMIT", 1000, 1, 10_000, "Messages kept in a mailbox's queue."),
    _number(
        "QUEUE_TTL_SECONDS",
        _MONTH_S,
        1,
        12 * _MONTH_S,
        "Life of an untouched Redis key; also the window's age.",
    ),
    _number("REDIS_TIMEOUT_MS", 250, 10, 10_000, "Longest wait for one answer of Redis."),
    # Below 500: the driver looks for a server in steps of half a second, and two would be a whole second.
    _number("MONGODB_TIMEOUT_MS", 450, 10, 10_000, "Longest wait for one whole operation on MongoDB."),
    _number("TOKEN_LIFETIME_SECONDS", 24 * 3600, 1, 12 * _MONTH_S, "How long a token is good after sign-in."),
    Setting("LOG_LEVEL", "INFO", "Least severe log lines written.", choices=_LOG_LEVELS),
)


@dataclass(frozen=True)
class Config:
    """The validated settings, one field each: the variable's name in lower case."""

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
    log_level: str

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Config:
        """Read and validate every setting. Raises ConfigError at the first one that is not legal."""
        values: dict[str, Any] = {
            setting.name.lower(): setting.parse(environment.get(setting.name)) for setting in SETTINGS
        }
        return cls(**values)
