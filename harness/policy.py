"""What honest servers do differently: choices of theirs that no promise depends on, from their profile."""

from __future__ import annotations

from typing import Any, Literal

from harness.typed import Count, Record


class Codes(frozenset[int]):
    """HTTP statuses, each of which is right."""

    @classmethod
    def read(cls, value: Any) -> Codes:
        """Return what a profile says: one, or a list of them. Raise ValueError."""
        codes = value if isinstance(value, list) else [value]
        if not codes or not all(type(code) is int and 400 <= code < 500 for code in codes):
            raise ValueError("Expected a status from 400 to 499, or a list of them")
        return cls(codes)


class Policy(Record, frozen=True):
    """Which of two sensible things a server does."""

    malformed_since: Literal["refused", "ignored"] = "refused"
    limit_outside: Literal["refused", "clamped"] = "refused"
    polls_without_redis: Literal["served", "unavailable"] = "served"
    """While Redis is away: from MongoDB, saying `degraded`; or 503."""
    older_cursors: Literal["served", "gap"] = "served"
    """A cursor from before the retained messages: all behind it; or the retained ones, saying `gap`."""
    longest_message: Count = 1000
    """In characters."""


class Statuses(Record, frozen=True):
    """With which statuses a server refuses."""

    invalid: Codes = Codes({400})
    not_signed_in: Codes = Codes({401})
    forbidden: Codes = Codes({403})
    unknown_user: Codes = Codes({404})
    name_taken: Codes = Codes({409})
    too_large: Codes = Codes({400, 413})
    wrong_type: Codes = Codes({400, 415})
    id_reused: Codes = Codes({400})
    """A `client_message_id` of before, with another content."""
    slowed: Codes = Codes({429})

    @property
    def no_such_mailbox(self) -> frozenset[int]:
        """For a mailbox that cannot be, is not there, or is another's."""
        return self.invalid | self.forbidden | self.unknown_user


class Features(Record, frozen=True):
    """What a server has beside the promises; rows and traffic leave out what it has not."""

    readiness: bool = True
    metrics: bool = True
    openapi: bool = True
    limits: bool = True
    """Of the sends of a user, and of registrations and failed sign-ins from an address."""
    held_polls: bool = True
    hang_up: bool = True
    """On SIGHUP to all its processes it serves on, as after a closed terminal or a reload."""
    forms: bool = True
    """Sends may be forms, `application/x-www-form-urlencoded`."""
    multipart_forms: bool = True
    """Sends may be forms, `multipart/form-data`."""
    lenient_json: bool = True
    """A field or parameter that nobody knows is ignored, and null is the same as a missing field."""
    unicode_names: bool = True
    """Names may hold letters of any script."""
    marked_names: bool = True
    """Names may hold `.`, `-`, `+` and `@`."""
    case_sensitive_names: bool = True
    """Names that differ in case are different users."""
