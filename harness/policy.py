"""What honest servers do differently: choices of theirs that no promise depends on, from their profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Codes = frozenset[int]
"""HTTP statuses, each of which is right."""


@dataclass(frozen=True)
class Policy:
    """Which of two sensible things a server does."""

    malformed_since: Literal["refused", "ignored"] = "refused"
    limit_outside: Literal["refused", "clamped"] = "refused"
    polls_without_redis: Literal["served", "unavailable"] = "served"
    """While Redis is away: from MongoDB, saying `degraded`; or 503."""
    older_cursors: Literal["served", "gap"] = "served"
    """A cursor from before the retained messages: all behind it; or the retained ones, saying `gap`."""
    longest_message: int = 1000
    """In characters."""


@dataclass(frozen=True)
class Statuses:
    """With which statuses a server refuses."""

    invalid: Codes = frozenset({400})
    not_signed_in: Codes = frozenset({401})
    forbidden: Codes = frozenset({403})
    unknown_user: Codes = frozenset({404})
    name_taken: Codes = frozenset({409})
    too_large: Codes = frozenset({400, 413})
    wrong_type: Codes = frozenset({400, 415})
    id_reused: Codes = frozenset({400})
    """A `client_message_id` of before, with another content."""
    slowed: Codes = frozenset({429})

    @property
    def no_such_mailbox(self) -> Codes:
        """For a mailbox that cannot be, is not there, or is another's."""
        return self.invalid | self.forbidden | self.unknown_user


@dataclass(frozen=True)
class Features:
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
