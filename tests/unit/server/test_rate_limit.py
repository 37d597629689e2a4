"""Guessing passwords is slowed, by account and by address, and nobody else is."""

from __future__ import annotations

import time

import pytest
from limits.storage import MemoryStorage

from reference_server.errors import TooManyAttempts
from reference_server.rate_limit import SignInFailures, network_of

HOME = "192.0.2.1"


class Now:
    """The clock that `limits` reads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.s = 1_767_268_800.0
        monkeypatch.setattr(time, "time", lambda: self.s)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    return Now(monkeypatch)


@pytest.fixture
def failures(now: Now) -> SignInFailures:
    return SignInFailures(MemoryStorage(), per_account=3, per_address=5)


def fail(failures: SignInFailures, account: str, times: int, address: str = HOME) -> None:
    for _ in range(times):
        failures.check(account, address)
        failures.add(account, address)


def test_an_account_may_fail_so_often_and_then_waits(failures: SignInFailures, now: Now) -> None:
    fail(failures, "alice", 3)
    with pytest.raises(TooManyAttempts) as refusal:
        failures.check("alice", HOME)
    assert refusal.value.retry_after_s == 60
    failures.check("bob", HOME)


def test_an_attempt_that_ran_beside_others_is_refused_when_it_fails_too(failures: SignInFailures) -> None:
    for _ in range(5):
        failures.check("alice", HOME)
    fail(failures, "alice", 3)
    with pytest.raises(TooManyAttempts):
        failures.add("alice", HOME)


def test_the_wait_ends_when_the_oldest_failure_is_a_minute_old(failures: SignInFailures, now: Now) -> None:
    fail(failures, "alice", 1)
    now.s += 40
    fail(failures, "alice", 2)
    with pytest.raises(TooManyAttempts) as refusal:
        failures.check("alice", HOME)
    assert refusal.value.retry_after_s == 20
    now.s += refusal.value.retry_after_s + 0.001
    fail(failures, "alice", 1)
    with pytest.raises(TooManyAttempts):
        failures.check("alice", HOME)


def test_an_attempt_that_is_refused_does_not_prolong_the_wait(failures: SignInFailures, now: Now) -> None:
    fail(failures, "alice", 3)
    now.s += 30
    with pytest.raises(TooManyAttempts):
        failures.add("alice", HOME)
    now.s += 30.001
    failures.check("alice", HOME)


def test_an_address_may_fail_so_often_over_all_accounts(failures: SignInFailures) -> None:
    for number in range(5):
        fail(failures, f"user{number}", 1)
    with pytest.raises(TooManyAttempts):
        failures.check("alice", HOME)
    failures.check("alice", "192.0.2.2")


def test_no_name_counts_for_another_ones_key(failures: SignInFailures) -> None:
    fail(failures, "alice", 3)
    for name in ("alice/3", "alice/3/1/minute", "Alice", "account/alice"):
        failures.check(name, "192.0.2.9")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("::1", "::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_an_ipv6_network_is_one_address(address: str, network: str) -> None:
    assert network_of(address) == network
