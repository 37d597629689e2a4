"""Everything that can go wrong, in two families.

Problems are answers to a client. Each carries its HTTP status and stable code, and one sentence that says
what was wrong and what would be right.

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

Failures are what the stores raise. The service turns them into a fallback or into a Problem.

    Failure
    ├── QueueUnavailable      Redis did not answer, refused, or its breaker is open
    ├── StoreUnavailable      MongoDB did not do it: certainly nothing was written
    └── OutcomeUnknown        MongoDB may or may not have written it

Misconfigured is why a store that answers cannot be used, as it is set up.

Refused (a ValueError) is what the queue layer says to a value that must never reach a queue.
"""

from __future__ import annotations

from typing import Literal

Outcome = Literal["not_stored", "unknown"]


class Problem(Exception):
    """An answer that is not the one the client asked for. `detail` is a sentence for a person."""

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
    """The username is somebody's already."""

    status, code, title = 409, "username_taken", "Username taken"


class RateLimited(Problem):
    """One user or address did this too often; after `retry_after_s` seconds, from 1, once more is right."""

    status, code, title = 429, "rate_limited", "Too many requests"

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class TooManyAttempts(RateLimited):
    """Sign-in is refused unseen, to the right password as well."""

    code, title = "too_many_attempts", "Too many attempts"


class Unavailable(Problem):
    """A store that is needed for this cannot be used now. `outcome` is set for sends only."""

    status, code, title = 503, "unavailable", "Temporarily unavailable"

    def __init__(self, detail: str, outcome: Outcome | None = None) -> None:
        super().__init__(detail)
        self.outcome = outcome


class Failure(Exception):
    """A store failed. The text names the store and the reason."""


class QueueUnavailable(Failure):
    """The queue did not do it, or did not say so in time. A late push is harmless: pushes are idempotent."""


class StoreUnavailable(Failure):
    """The store of record did not answer a read, or certainly did not write."""


class OutcomeUnknown(Failure):
    """The store of record was asked to write, and nobody knows whether it did."""


class Misconfigured(Exception):
    """A store answers, but cannot be used. The sentence names no host and no secret: anybody may read it."""


class Refused(ValueError):
    """A value that no queue may hold or be asked for."""
