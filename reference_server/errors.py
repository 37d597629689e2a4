"""The server's exceptions, in two families.

A Problem becomes the answer to a client. It has an HTTP status, a stable code, and one sentence that says
what is wrong and what would be right.

    Problem
    ├── InvalidRequest        400  invalid_request, or the code given
    │   └── IdempotencyMismatch    idempotency_mismatch
    ├── Unauthenticated       401  unauthenticated
    ├── Forbidden             403  forbidden
    ├── NotFound              404  user_not_found
    ├── RequestTimeout        408  request_timeout
    ├── UsernameTaken         409  username_taken
    ├── RateLimited           429  rate_limited
    │   └── TooManyAttempts        too_many_attempts
    └── Unavailable           503  unavailable; for a send with the outcome not_stored or unknown

A Failure is raised by a store. The service turns it into a fallback or into a Problem.

    Failure
    ├── QueueUnavailable      Redis did not answer, refused, or its breaker is open
    ├── StoreUnavailable      MongoDB failed, and certainly wrote nothing
    └── OutcomeUnknown        MongoDB failed, and may have written

Misconfigured is raised for a store that answers but cannot be used with its present configuration.

Refused (a ValueError) is raised by the queue layer for a value that must never reach a queue.
"""

from __future__ import annotations

from typing import Literal

Outcome = Literal["not_stored", "unknown"]


class Problem(Exception):
    """An error answer. `detail` is a sentence for people."""

    status = 500
    code = "internal_error"
    title = "Internal server error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InvalidRequest(Problem):
    """The request breaks a rule of the contract."""

    status, code, title = 400, "invalid_request", "Invalid request"

    def __init__(self, detail: str, code: str = "invalid_request") -> None:
        super().__init__(detail)
        self.code = code


class IdempotencyMismatch(InvalidRequest):
    """A `client_message_id` came back with another recipient or content."""

    title = "Idempotency mismatch"

    def __init__(self) -> None:
        super().__init__(
            "This client_message_id was used before for another message; use a new one for a new message.",
            "idempotency_mismatch",
        )


class Unauthenticated(Problem):
    """No valid token, or wrong credentials."""

    status, code, title = 401, "unauthenticated", "Not signed in"


class Forbidden(Problem):
    """The signed-in user may not do this."""

    status, code, title = 403, "forbidden", "Not allowed"


class NotFound(Problem):
    """There is no such user."""

    status, code, title = 404, "user_not_found", "No such user"


class RequestTimeout(Problem):
    """The request did not arrive in time."""

    status, code, title = 408, "request_timeout", "Request timeout"


class UsernameTaken(Problem):
    """The username belongs to another user."""

    status, code, title = 409, "username_taken", "Username taken"


class RateLimited(Problem):
    """A user or address did this too often. One more is allowed after `retry_after_s` seconds, at least 1."""

    status, code, title = 429, "rate_limited", "Too many requests"

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class TooManyAttempts(RateLimited):
    """Sign-in is refused after too many failures, even with the right password."""

    code, title = "too_many_attempts", "Too many attempts"


class Unavailable(Problem):
    """A store that this request needs is not available. `outcome` is set for sends only."""

    status, code, title = 503, "unavailable", "Temporarily unavailable"

    def __init__(self, detail: str, outcome: Outcome | None = None) -> None:
        super().__init__(detail)
        self.outcome = outcome


class Failure(Exception):
    """A store failed. The text names the store and the reason."""


class QueueUnavailable(Failure):
    """The queue failed, or did not answer in time. A late push is harmless: pushes are idempotent."""


class StoreUnavailable(Failure):
    """The store of record did not answer a read, or certainly did not write."""


class OutcomeUnknown(Failure):
    """The store of record was asked to write, and it is unknown whether it did."""


class Misconfigured(Exception):
    """A store answers, but cannot be used. The text is public: it contains no host and no secret."""


class Refused(ValueError):
    """A value that must not be pushed to a queue, or an illegal read."""
