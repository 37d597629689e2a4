"""Guessing passwords, registering and sending are limited by user and address, without effect on others."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from limits.storage import MemoryStorage

from reference_server.adapters.memory_counts import MemoryCounts
from reference_server.errors import RateLimited, TooManyAttempts
from reference_server.rate_limit import Registrations, Sends, SignInFailures

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
    assert refusal.value.retry_after_s == 61
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
    assert refusal.value.retry_after_s == 21
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


class TestRegistrations:
    @pytest.fixture
    def registrations(self, now: Now) -> Registrations:
        return Registrations(MemoryStorage(), per_address=3)

    def test_an_address_may_register_so_many_and_then_waits(self, registrations: Registrations) -> None:
        for _ in range(3):
            registrations.add(HOME)
        with pytest.raises(RateLimited) as refusal:
            registrations.add(HOME)
        assert (refusal.value.code, refusal.value.retry_after_s) == ("rate_limited", 3601)
        registrations.add("192.0.2.2")

    def test_the_wait_ends_when_it_says(self, registrations: Registrations, now: Now) -> None:
        for _ in range(3):
            registrations.add(HOME)
            now.s += 60
        with pytest.raises(RateLimited) as refusal:
            registrations.add(HOME)
        assert refusal.value.retry_after_s == 3600 - 180 + 1
        now.s += refusal.value.retry_after_s + 0.001
        registrations.add(HOME)


class TestSends:
    @pytest.fixture
    def sends(self, now: Now) -> Sends:
        return Sends(MemoryCounts(window_s=60), per_sender=30, per_address=50)

    def sent_until_refused(self, sends: Sends, sender: str, address: str) -> int:
        for sent in range(100):
            try:
                sends.add(sender, address)
            except RateLimited:
                return sent
        raise AssertionError("it was never refused")

    def refused(self, sends: Sends, sender: str, address: str = HOME) -> RateLimited:
        with pytest.raises(RateLimited) as refusal:
            sends.add(sender, address)
        return refusal.value

    def test_a_sender_may_send_so_many_at_once_and_then_waits(self, sends: Sends, now: Now) -> None:
        for _ in range(30):
            sends.add("alice", HOME)
        refusal = self.refused(sends, "alice", "192.0.2.2")
        assert refusal.code == "rate_limited"
        assert 1 <= refusal.retry_after_s <= 61
        sends.add("bob", HOME)

    def test_an_address_may_send_so_many_as_all_its_users(self, sends: Sends) -> None:
        for number in range(50):
            sends.add(f"user{number % 10}", HOME)
        assert "your address" in self.refused(sends, "somebody").detail
        sends.add("somebody", "192.0.2.2")

    @pytest.mark.parametrize("elapsed_s", [0.01, 17, 31.5, 59.9])
    @pytest.mark.parametrize("before", [0, 5, 29, 30])
    def test_after_the_wait_one_more_is_right(
        self, sends: Sends, now: Now, before: int, elapsed_s: float
    ) -> None:
        for _ in range(before):
            sends.add("alice", HOME)
        now.s += 60 + elapsed_s
        self.sent_until_refused(sends, "alice", "192.0.2.2")
        wait_s = self.refused(sends, "alice", "192.0.2.2").retry_after_s
        assert 1 <= wait_s <= 61
        now.s += wait_s
        sends.add("alice", "192.0.2.3")

    def test_the_limits_of_two_minutes_cannot_be_used_within_seconds(self, sends: Sends, now: Now) -> None:
        now.s += 59
        for _ in range(30):
            sends.add("alice", HOME)
        now.s += 2
        assert self.sent_until_refused(sends, "alice", HOME) <= 1

    def test_a_sender_of_a_message_every_three_seconds_never_waits(self, sends: Sends, now: Now) -> None:
        for _ in range(200):
            sends.add("alice", HOME)
            now.s += 3


def test_counts_are_forgotten_when_they_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monotonic = SimpleNamespace(s=1000.0)
    monkeypatch.setattr(time, "monotonic", lambda: monotonic.s)
    counts = MemoryCounts(window_s=60)
    for number in range(1000):
        counts.incr(f"key {number}", 120)
    monotonic.s += 120
    assert counts.incr("key 1", 120) == 2
    assert counts.decr("key 1") == 1
    monotonic.s += 120
    assert counts.incr("key 2", 120) == 1
    assert counts.get("key 1") == 1
    assert len(counts) == 2
