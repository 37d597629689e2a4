"""Authentication: registration, sign-in, and bearer tokens."""

from __future__ import annotations

import logging
import re
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import argon2
import jwt

from reference_server.addresses import network_of
from reference_server.contract import PASSWORD_LENGTH, USERNAME_LENGTH, spelled
from reference_server.errors import (
    Failure,
    InvalidRequest,
    NotFound,
    Unauthenticated,
    Unavailable,
    UsernameTaken,
)
from reference_server.fair_queue import FairQueue
from reference_server.interfaces import UserStore
from reference_server.rate_limit import Registrations, SignInFailures

log = logging.getLogger(__name__)

_ALGORITHM = "HS256"
_USERNAME = re.compile(r"[\w.@+-]+")
_LONGEST_DECOMPOSED = 4 * (USERNAME_LENGTH.stop - 1)
"""NFC composes at most four characters into one (Unicode Standard Annex 15). A longer name is too
long anyway, and composing it would take time that grows with the square of its length."""


_MOST_REMEMBERED = 10_000
_LONGEST_REMEMBERED = 1_024
"""Tokens of one process, and characters of one: ten megabytes at most. Most tokens have 150 characters."""

Offload = Callable[[Callable[[], Any]], Any]
"""Runs a long computation without blocking other requests, and returns its result."""


def check_username(text: str, field: str = "username") -> str:
    """Return the username in Unicode's composed form (NFC): one name is one user, however it was typed.

    The alphabet is Django's, without separators of keys, lines or paths. Raise InvalidRequest.
    """
    username = unicodedata.normalize("NFC", text) if len(text) <= _LONGEST_DECOMPOSED else text
    if len(username) not in USERNAME_LENGTH:
        raise InvalidRequest(f"{field} must have {spelled(USERNAME_LENGTH)} characters, not {len(username)}.")
    if not _USERNAME.fullmatch(username):
        raise InvalidRequest(f"{field} may contain only letters, digits and the characters _ . @ + -")
    return username


def check_password(password: str) -> None:
    """Raise InvalidRequest for a password that may not be registered."""
    if len(password) not in PASSWORD_LENGTH:
        raise InvalidRequest(
            f"password must have {spelled(PASSWORD_LENGTH)} characters, not {len(password)}."
        )


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in user's token and when it stops working, in seconds since 1970."""

    token: str
    username: str
    expires_at_s: int


class Tokens:
    """Signed, expiring bearer tokens. Every worker and instance can check them without a store.

    They have no `iat` claim: if two instances' clocks differ, the slower one would refuse a token that seems
    to be from the future.

    Valid tokens are remembered until they expire, because checking a signature costs as much as the rest of a
    poll. Invalid ones are not: they would fill the memory.
    """

    def __init__(self, secret_key: str, lifetime_s: int, now_s: Callable[[], float] = time.time) -> None:
        self._secret_key = secret_key
        self._lifetime_s = lifetime_s
        self._now_s = now_s
        self._remembered: dict[str, tuple[str, float]] = {}
        """The user and the expiry of valid tokens, oldest first."""

    def issue(self, username: str) -> Session:
        """Return a new session for a user who has just signed in."""
        expires_at_s = int(self._now_s()) + self._lifetime_s
        token = jwt.encode({"sub": username, "exp": expires_at_s}, self._secret_key, algorithm=_ALGORITHM)
        return Session(token, username, expires_at_s)

    def username(self, authorization: str | None) -> str:
        """Return the user of an Authorization header. Raise Unauthenticated."""
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("Send the token from /api/users/login as 'Authorization: Bearer <token>'.")
        # At its expiry a token is checked again, so that only the library decides what has expired.
        username, expires_at_s = self._remembered.get(token, ("", 0.0))
        return username if self._now_s() < expires_at_s else self._verify(token)

    def _verify(self, token: str) -> str:
        """Return the user of a token and remember it. Raise Unauthenticated."""
        self._remembered.pop(token, None)
        try:
            claims = jwt.decode(
                token, self._secret_key, algorithms=[_ALGORITHM], options={"require": ["exp", "sub"]}
            )
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("The token has expired; sign in again.") from error
        except jwt.InvalidTokenError as error:
            raise Unauthenticated("The token is not valid; sign in again.") from error
        username = str(claims["sub"])
        if len(token) <= _LONGEST_REMEMBERED:
            if len(self._remembered) >= _MOST_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[token] = (username, int(claims["exp"]))
        return username


class Accounts:
    """Registration and sign-in. Passwords are hashed with argon2id at the strength OWASP recommends.

    https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html (19 MiB, 2 passes, 1
    lane).
    """

    def __init__(
        self,
        users: UserStore,
        tokens: Tokens,
        offload: Offload,
        hashing_queue: FairQueue,
        failures: SignInFailures,
        registrations: Registrations,
    ) -> None:
        self._users = users
        self._tokens = tokens
        self._failures = failures
        self._registrations = registrations
        self._offload = offload
        self._hashing_queue = hashing_queue
        self._hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._dummy_hash = self._hasher.hash("the password of an unknown user")

    def register(self, username: str, password: str, address: str) -> str:
        """Create a user; return the name as it is stored.

        Raise InvalidRequest, UsernameTaken, RateLimited, Unavailable.
        """
        username = check_username(username)
        check_password(password)
        try:
            self._registrations.add(address)
            password_hash = self._hash(lambda: self._hasher.hash(password), username, address)
            added = self._users.add(username, password_hash)
        except Failure as failure:
            raise Unavailable("Registration is not available at the moment; try again.") from failure
        if not added:
            raise UsernameTaken(f"The username '{username}' is taken; choose another.")
        log.info("User '%s' registered", username)
        return username

    def sign_in(self, username: str, password: str, address: str) -> Session:
        """Return a session. An unknown user and a wrong password take the same time and get the same answer.

        Raise InvalidRequest, Unauthenticated, TooManyAttempts, Unavailable.
        """
        username = check_username(username)
        if len(password) >= PASSWORD_LENGTH.stop:
            raise InvalidRequest(f"password must have at most 128 characters, not {len(password)}.")
        try:
            return self._sign_in(username, password, address)
        except Failure as failure:
            raise Unavailable("Sign-in is not available at the moment; try again.") from failure

    def _sign_in(self, username: str, password: str, address: str) -> Session:
        """Sign in. Raise what the stores raise, too.

        The limit is checked before hashing and again after it: of many simultaneous attempts, all but the
        first few must learn nothing, not even that the password was right.
        """
        self._failures.check(username, address)
        known_hash = self._users.password_hash(username)
        some_hash = known_hash or self._dummy_hash
        matches = self._hash(lambda: self._matches(some_hash, password), username, address)
        if known_hash is None or not matches:
            log.info("Sign-in as '%s' refused", username)
            self._failures.add(username, address)
            raise Unauthenticated("The username or the password is wrong.")
        self._failures.check(username, address)
        return self._tokens.issue(username)

    def _hash(self, work: Callable[[], Any], username: str, address: str) -> Any:
        with self._hashing_queue.slot(network_of(address), username):
            return self._offload(work)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except argon2.exceptions.VerifyMismatchError:
            return False

    def require(self, username: str) -> None:
        """Raise NotFound if the user is unknown, or Unavailable."""
        try:
            exists = self._users.exists(username)
        except Failure as failure:
            raise Unavailable("Users cannot be looked up at the moment; try again.") from failure
        if not exists:
            raise NotFound(f"There is no user '{username}'.")
