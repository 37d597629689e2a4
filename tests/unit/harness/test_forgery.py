"""False tokens are false, and as near to a good one as they can be."""

from __future__ import annotations

import jwt
import pytest

from harness.run.hostile.forgery import false_headers

SECRET = "a secret of at least thirty-two bytes"
GOOD = jwt.encode({"sub": "mallory", "exp": 4_000_000_000}, SECRET, "HS256")


HEADERS = false_headers(GOOD, "mallory", "bob")


def bearer(header: str | None) -> str:
    scheme, _, token = (header or "").partition(" ")
    return token if scheme == "Bearer" else ""


@pytest.mark.parametrize("what", HEADERS)
def test_no_false_token_is_good(what: str) -> None:
    with pytest.raises(jwt.InvalidTokenError):
        jwt.decode(bearer(HEADERS[what]), SECRET, algorithms=["HS256"])


def test_each_is_another() -> None:
    assert len(HEADERS) == len(set(HEADERS.values())) == 17


def test_forged_ones_claim_to_be_the_victim_and_would_live() -> None:
    for what in (
        "a token whose name was changed",
        "a token of another secret",
        "a token without a signature",
    ):
        claims = jwt.decode(bearer(HEADERS[what]), options={"verify_signature": False})
        assert claims == {"sub": "bob", "exp": 4_000_000_000}


def test_one_would_deceive_who_believes_the_token_about_its_algorithm() -> None:
    unsigned = bearer(HEADERS["a token without a signature"])
    assert jwt.get_unverified_header(unsigned)["alg"] == "none"


@pytest.mark.parametrize("opaque", ["0123456789abcdef" * 2, "a.b.c", "a.b", "e30.e30"])
def test_of_a_token_that_is_no_jwt_others_are_made(opaque: str) -> None:
    headers = false_headers(opaque, "mallory", "bob")
    assert len(headers) == 12
    assert f"Bearer {opaque}" not in headers.values()
