"""Tokens cannot be forged, changed, extended or guessed."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from limits.storage import MemoryStorage

from reference_server import auth
from reference_server.auth import Accounts, Tokens
from reference_server.errors import Unauthenticated
from reference_server.fair_queue import FairQueue
from reference_server.rate_limit import Registrations, SignInFailures
from tests.unit.server.world import World

SECRET = "a secret of at least thirty-two bytes"
OTHER = "another secret of at least thirty-two bytes"
HOUR_S = 3600
FAR = 4_000_000_000


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(SECRET, HOUR_S)


def part(fields: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).rstrip(b"=").decode()


def test_a_token_proves_its_user(tokens: Tokens) -> None:
    session = tokens.issue("bob")
    assert tokens.username(f"Bearer {session.token}") == "bob"
    assert tokens.username(f"bearer  {session.token} ") == "bob"


def test_it_stops_working_when_its_session_says(tokens: Tokens) -> None:
    long_ago = Tokens(SECRET, HOUR_S, now_s=lambda: 1_000_000.0)
    session = long_ago.issue("bob")
    assert session.expires_at_s == 1_000_000 + HOUR_S
    with pytest.raises(Unauthenticated, match="expired"):
        tokens.username(f"Bearer {session.token}")


def test_one_of_an_instance_whose_clock_is_ahead_works(tokens: Tokens) -> None:
    ahead = Tokens(SECRET, HOUR_S, now_s=lambda: 4_000_000_000.0)
    assert tokens.username(f"Bearer {ahead.issue('bob').token}") == "bob"


def swap_user(good: str) -> str:
    header, _, signature = good.split(".")
    return ".".join([header, part({"sub": "eve", "exp": FAR}), signature])


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda good: jwt.encode({"sub": "bob", "exp": FAR}, OTHER, "HS256"), id="other key"),
        pytest.param(
            lambda good: part({"alg": "none"}) + "." + part({"sub": "bob"}) + ".", id="no signature"
        ),
        pytest.param(swap_user, id="other user"),
        pytest.param(lambda good: good[:-2], id="cut"),
        pytest.param(lambda good: good + "A", id="longer"),
        pytest.param(lambda good: jwt.encode({"sub": "bob"}, SECRET, "HS256"), id="no expiry"),
        pytest.param(lambda good: jwt.encode({"exp": FAR}, SECRET, "HS256"), id="no user"),
        pytest.param(
            lambda good: jwt.encode({"sub": "bob", "exp": FAR}, SECRET * 2, "HS512"), id="other algorithm"
        ),
        pytest.param(lambda good: jwt.encode({"sub": "bob", "exp": "x"}, SECRET, "HS256"), id="bad expiry"),
        pytest.param(lambda good: "🎉.🎉.🎉", id="no token at all"),
    ],
)
def test_a_forged_one_proves_nothing(tokens: Tokens, forge: Callable[[str], str]) -> None:
    with pytest.raises(Unauthenticated):
        tokens.username(f"Bearer {forge(tokens.issue('bob').token)}")


def test_an_unknown_user_costs_as_much_as_a_wrong_password(world: World, tokens: Tokens) -> None:
    """Both verify a hash of the same strength, so an observer measures the same time."""
    worked: list[bool] = []

    def count(work: Callable[[], object]) -> object:
        worked.append(True)
        return work()

    failures = SignInFailures(MemoryStorage(), per_account=5, per_address=50)
    registrations = Registrations(MemoryStorage(), per_address=5)
    accounts = Accounts(world.store, tokens, count, FairQueue(1), failures, registrations)
    accounts.register("dave", "long enough", "192.0.2.1")
    work_before = len(worked)
    for name in ("dave", "nobody"):
        with pytest.raises(Unauthenticated):
            accounts.sign_in(name, "wrong password", "192.0.2.1")
    assert len(worked) == work_before + 2


class TestRemembering:
    """Valid tokens are remembered, which must change no answer."""

    @pytest.fixture
    def verified(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The tokens whose signature was checked."""
        verified: list[str] = []
        decode = jwt.decode

        def counting(token: str, *arguments: Any, **options: Any) -> Any:
            verified.append(token)
            return decode(token, *arguments, **options)

        monkeypatch.setattr(jwt, "decode", counting)
        return verified

    def test_a_signature_is_checked_once(self, tokens: Tokens, verified: list[str]) -> None:
        bob, eve = tokens.issue("bob").token, tokens.issue("eve").token
        for _ in range(3):
            assert tokens.username(f"Bearer {bob}") == "bob"
            assert tokens.username(f"Bearer {eve}") == "eve"
        assert verified == [bob, eve]

    def test_from_its_expiry_on_it_is_checked_again(self, verified: list[str]) -> None:
        now_s = [time.time()]
        tokens = Tokens(SECRET, HOUR_S, now_s=lambda: now_s[0])
        session = tokens.issue("bob")
        for clock_s, checks in ((session.expires_at_s - 1, 1), (session.expires_at_s, 2)):
            now_s[0] = clock_s
            assert tokens.username(f"Bearer {session.token}") == "bob"
            assert len(verified) == checks

    def test_one_that_is_not_valid_is_not_remembered(self, tokens: Tokens, verified: list[str]) -> None:
        forged = swap_user(tokens.issue("bob").token)
        for _ in range(2):
            with pytest.raises(Unauthenticated):
                tokens.username(f"Bearer {forged}")
        assert verified == [forged, forged]

    def test_what_is_remembered_is_bounded(
        self, tokens: Tokens, verified: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(auth, "_MOST_REMEMBERED", 2)
        issued = [tokens.issue(name).token for name in ("bob", "eve", "joe")]
        for token in (*issued, *issued[1:], issued[0]):
            tokens.username(f"Bearer {token}")
        assert verified == [*issued, issued[0]]

    def test_a_long_one_is_not_remembered(self, tokens: Tokens, verified: list[str]) -> None:
        long = tokens.issue("b" * 1000).token
        for _ in range(2):
            assert tokens.username(f"Bearer {long}") == "b" * 1000
        assert verified == [long, long]
