"""How often one user, or one address, may do what fills the stores or guesses passwords.

A moving window lets nobody have the share of two minutes at the turn of one. What counts as one address says
addresses.py.
"""

from __future__ import annotations

import hashlib
import math
import time

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import MovingWindowRateLimiter, RateLimiter, SlidingWindowCounterRateLimiter

from reference_server.addresses import network_of
from reference_server.errors import RateLimited, TooManyAttempts

_A_MOMENT_S = 0.001
Limits = tuple[tuple[RateLimitItem, str], ...]
"""Each with whom it is counted for."""


class SignInFailures:
    """At most so many failed sign-ins a minute, among all who share the `storage`.

    Only failures count, so that hundreds of users behind one address sign in undisturbed. Unknown accounts
    are counted like known ones: a refusal must not tell them apart. Everything raises TooManyAttempts, and
    what the storage raises.
    """

    def __init__(self, storage: Storage, *, per_account: int, per_address: int) -> None:
        self._limiter = MovingWindowRateLimiter(storage)
        self._per_account = RateLimitItemPerMinute(per_account, namespace="account")
        self._per_address = RateLimitItemPerMinute(per_address, namespace="address")

    def check(self, account: str, address: str) -> None:
        """Make sure that one more failure would be within the limits. Counts nothing."""
        for limit, key in self._limits(account, address):
            if not self._limiter.test(limit, key):
                raise self._refusal(limit, key)

    def add(self, account: str, address: str) -> None:
        """Count a failure. Raises if it is one too many: then nobody may learn that it was one."""
        for limit, key in self._limits(account, address):
            if not _hit(self._limiter, limit, key):
                raise self._refusal(limit, key)

    def _limits(self, account: str, address: str) -> Limits:
        # Hashed, so that no name can look like another key, and all keys are short.
        hashed = hashlib.sha256(account.encode()).hexdigest()
        return (self._per_account, hashed), (self._per_address, network_of(address))

    def _refusal(self, limit: RateLimitItem, key: str) -> TooManyAttempts:
        wait_s = _wait_s(self._limiter, limit, key)
        return TooManyAttempts("Too many failed sign-ins; wait before the next.", wait_s)


class Registrations:
    """At most so many registrations an hour from one address, among all who share the `storage`.

    Every one that costs work counts, also of a name that is taken.
    """

    def __init__(self, storage: Storage, *, per_address: int) -> None:
        self._limiter = MovingWindowRateLimiter(storage)
        self._per_address = RateLimitItemPerHour(per_address, namespace="registrations")

    def add(self, address: str) -> None:
        """Count one. Raises RateLimited if it is one too many, and what the storage raises."""
        network = network_of(address)
        if not _hit(self._limiter, self._per_address, network):
            wait_s = _wait_s(self._limiter, self._per_address, network)
            raise RateLimited("Too many registrations from your address; wait before the next.", wait_s)


class Sends:
    """At most so many sends a minute as one user and from one address, among all who share the `storage`.

    With a storage in the process's memory, a send costs no store a round trip, and every worker counts for
    itself. Two counters a window approximate a moving one.
    """

    def __init__(self, storage: Storage, *, per_sender: int, per_address: int) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._per_sender = RateLimitItemPerMinute(per_sender, namespace="sender")
        self._per_address = RateLimitItemPerMinute(per_address, namespace="address")

    def add(self, sender: str, address: str) -> None:
        """Count one. Raises RateLimited if it is one too many."""
        for whose, limit, key in (
            ("you", self._per_sender, sender),
            ("your address", self._per_address, network_of(address)),
        ):
            if not self._limiter.hit(limit, key):
                wait_s = _wait_s(self._limiter, limit, key)
                raise RateLimited(f"Too many messages from {whose}; wait before the next.", wait_s)


def _hit(limiter: RateLimiter, limit: RateLimitItem, key: str) -> bool:
    """Count one, if that is within the limit; twice, for MongoDB: two first ones at a time may collide."""
    return limiter.hit(limit, key) or limiter.hit(limit, key)


def _wait_s(limiter: RateLimiter, limit: RateLimitItem, key: str) -> int:
    """Give the seconds until one more is within the limit, a whole number from 1.

    At the very moment that the library names, a sliding window is still full.
    """
    free_at_s = limiter.get_window_stats(limit, key).reset_time
    return max(1, math.ceil(free_at_s - time.time() + _A_MOMENT_S))
