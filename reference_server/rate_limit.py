"""Rate limits, per user and per address, on requests that fill the stores or guess passwords.

The windows move: with fixed ones, a client could use up the limits of two minutes within a few seconds.
addresses.py defines what counts as one address.
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
"""Each limit with the key that it is counted for."""


class SignInFailures:
    """Limits failed sign-ins per minute, counted together by all workers that share the `storage`.

    Only failures count, so hundreds of users behind one address can sign in. Unknown accounts count like
    known ones, so that a refusal does not reveal which exist. Every method raises TooManyAttempts, and what
    the storage raises.
    """

    def __init__(self, storage: Storage, *, per_account: int, per_address: int) -> None:
        self._limiter = MovingWindowRateLimiter(storage)
        self._per_account = RateLimitItemPerMinute(per_account, namespace="account")
        self._per_address = RateLimitItemPerMinute(per_address, namespace="address")

    def check(self, account: str, address: str) -> None:
        """Raise if one more failure would exceed a limit. Count nothing."""
        for limit, key in self._limits(account, address):
            if not self._limiter.test(limit, key):
                raise self._refusal(limit, key)

    def add(self, account: str, address: str) -> None:
        """Count a failure. Raise if it exceeds a limit: then the client must not learn that it failed."""
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
    """Limits registrations per hour, counted together by all workers that share the `storage`.

    Every registration that costs work counts, also one with a name that is taken.
    """

    def __init__(self, storage: Storage, *, per_address: int) -> None:
        self._limiter = MovingWindowRateLimiter(storage)
        self._per_address = RateLimitItemPerHour(per_address, namespace="registrations")

    def add(self, address: str) -> None:
        """Count a registration. Raise RateLimited if it exceeds the limit, and what the storage raises."""
        network = network_of(address)
        if not _hit(self._limiter, self._per_address, network):
            wait_s = _wait_s(self._limiter, self._per_address, network)
            raise RateLimited("Too many registrations from your address; wait before the next.", wait_s)


class Sends:
    """Limits sends per minute, of one user and from one address.

    With a storage in memory, counting costs no round trip, and every worker counts for itself. The library
    approximates the moving window with two counters.
    """

    def __init__(self, storage: Storage, *, per_sender: int, per_address: int) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._per_sender = RateLimitItemPerMinute(per_sender, namespace="sender")
        self._per_address = RateLimitItemPerMinute(per_address, namespace="address")

    def add(self, sender: str, address: str) -> None:
        """Count a send. Raise RateLimited if it exceeds a limit."""
        for whose, limit, key in (
            ("you", self._per_sender, sender),
            ("your address", self._per_address, network_of(address)),
        ):
            if not self._limiter.hit(limit, key):
                wait_s = _wait_s(self._limiter, limit, key)
                raise RateLimited(f"Too many messages from {whose}; wait before the next.", wait_s)


def _hit(limiter: RateLimiter, limit: RateLimitItem, key: str) -> bool:
    """Count one if the limit allows it. Try twice, because two first entries may collide in MongoDB."""
    return limiter.hit(limit, key) or limiter.hit(limit, key)


def _wait_s(limiter: RateLimiter, limit: RateLimitItem, key: str) -> int:
    """Return the seconds until the limit allows one more: a whole number, at least 1.

    At the very time that the library reports, a sliding window is still full.
    """
    free_at_s = limiter.get_window_stats(limit, key).reset_time
    return max(1, math.ceil(free_at_s - time.time() + _A_MOMENT_S))
