"""What correct servers do differently: choices in a target's profile that no promise depends on."""

from __future__ import annotations

from typing import Any, Literal

from harness.typed import Count, Record


class Codes(frozenset[int]):
    """HTTP statuses, each of which is right."""

    @classmethod
    def read(cls, value: Any) -> Codes:
        """Return the statuses in a profile: one, or a list of them. Raise ValueError."""
        codes = value if isinstance(value, list) else [value]
        if not codes or not all(type(code) is int and 400 <= code < 500 for code in codes):
            raise ValueError("Expected a status from 400 to 499, or a list of them")
        return cls(codes)


class Policy(Record, frozen=True):
    """Which of two sensible behaviours a server has."""

    malformed_since: Literal["refused", "ignored"] = "refused"
    limit_outside: Literal["refused", "clamped"] = "refused"
    polls_without_redis: Literal["served", "unavailable"] = "served"
    """While Redis is away: polls are answered from MongoDB with `degraded`, or 503."""
    older_cursors: Literal["served", "gap"] = "served"
    """A cursor from before the retained messages gets all later ones, or only the retained with `gap`."""
    longest_message: Count = 1000
    """In characters."""


class Statuses(Record, frozen=True):
    """The statuses with which a server refuses requests."""

    invalid: Codes = Codes({400})
    not_signed_in: Codes = Codes({401})
    forbidden: Codes = Codes({403})
    unknown_user: Codes = Codes({404})
    name_taken: Codes = Codes({409})
    too_large: Codes = Codes({400, 413})
    wrong_type: Codes = Codes({400, 415})
    id_reused: Codes = Codes({400})
    """A `client_message_id` used again with other content."""
    slowed: Codes = Codes({429})

    @property
    def no_such_mailbox(self) -> frozenset[int]:
        """For a mailbox whose name is invalid, that does not exist, or that belongs to another user."""
        return self.invalid | self.forbidden | self.unknown_user


class Features(Record, frozen=True):
    """Optional features of a server; rows and traffic that need a missing one are left out."""

    readiness: bool = True
    metrics: bool = True
    openapi: bool = True
    limits: bool = True
    """Limits on sends by user, on registrations by address, and on failed sign-ins by both."""
    held_polls: bool = True
    hang_up: bool = True
    """It keeps serving after SIGHUP to all its processes (a closed terminal, or a reload)."""
    forms: bool = True
    """Sends may be forms, `application/x-www-form-urlencoded`."""
    multipart_forms: bool = True
    """Sends may be forms, `multipart/form-data`."""
    lenient_json: bool = True
    """Unknown fields and parameters are ignored, and null is the same as a missing field."""
    unicode_names: bool = True
    """Names may hold letters of any script."""
    marked_names: bool = True
    """Names may hold `.`, `-`, `+` and `@`."""
    cursor_spellings: bool = True
    """A timestamp is a cursor in any spelling: with an offset, or with fewer digits."""
    case_sensitive_names: bool = True
    """Names that differ in case are different users."""
    redis_sentinel: bool = False
    """Its Redis may be named by sentinels: `{redis_url}` is then redis+sentinel://HOST:PORT,…/SERVICE/0."""
    redis_cluster: bool = False
    """Its Redis may be a cluster: `{redis_url}` is then redis+cluster://HOST:PORT,…/."""
