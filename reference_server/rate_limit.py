"""Slowing down who guesses passwords: failed sign-ins are counted, by account and by address.

Only failures count, so that hundreds of users behind one address sign in undisturbed. Unknown accounts are
counted like known ones: a refusal must not tell them apart. A moving window lets nobody have the failures of
two minutes at the turn of one.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import time
from collections.abc import Iterable

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import MovingWindowRateLimiter

from reference_server.errors import TooManyAttempts

_IPV6_NETWORK_BITS = 64
"""One customer has a whole network of this size, and a new address whenever they like."""


class SignInFailures:
    """At most so many failed sign-ins a minute, among all who share the `storage`.

    Everything raises TooManyAttempts, and what the storage raises.
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
            # Twice, for MongoDB: the first of all failures may collide with another first one.
            if not (self._limiter.hit(limit, key) or self._limiter.hit(limit, key)):
                raise self._refusal(limit, key)

    def _limits(self, account: str, address: str) -> Iterable[tuple[RateLimitItem, str]]:
        # Hashed, so that no name can look like another key, and all keys are short.
        yield self._per_account, hashlib.sha256(account.encode()).hexdigest()
        yield self._per_address, network_of(address)

    def _refusal(self, limit: RateLimitItem, key: str) -> TooManyAttempts:
        free_at_s = self._limiter.get_window_stats(limit, key).reset_time
        return TooManyAttempts(
            "Too many failed sign-ins; wait before the next.",
            retry_after_s=max(1, math.ceil(free_at_s - time.time())),
        )


def network_of(address: str) -> str:
    """Give what counts as one address: an IPv4 address, an IPv6 network, or the text if it is neither."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.IPv6Network((int(parsed), _IPV6_NETWORK_BITS), strict=False))
