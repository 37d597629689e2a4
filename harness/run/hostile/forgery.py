"""False tokens: what an attacker without the server's secret can make of a good token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any


def false_headers(token: str, owner: str, victim: str) -> dict[str, str | None]:
    """Return invalid Authorization headers by what is wrong with them; None: no header at all.

    `token` is a good one of `owner`'s. Where it is a JSON Web Token, some claim to be `victim`.
    """
    basic = base64.b64encode(f"{victim}:{token}".encode()).decode()
    headers: dict[str, str | None] = {
        "no token": None,
        "an empty header": "",
        "no token behind the word Bearer": "Bearer",
        "a word for a token": "Bearer secret",
        "a name for a token": f"Bearer {victim}",
        "a token without the word Bearer": token,
        "a token as a password": f"Basic {basic}",
        "the first half of a token": f"Bearer {token[: len(token) // 2]}",
        "a token with one character changed": f"Bearer {_change(token)}",
        "a token with more behind it": f"Bearer {token}AAAA",
        "a token twice": f"Bearer {token},{token}",
        "a very long token": "Bearer " + "A" * 4000,
    }
    return headers | {what: f"Bearer {forged}" for what, forged in _forged(token, owner, victim).items()}


def _change(token: str) -> str:
    """Change a character near the end; some bits of the last one may be unused."""
    place = len(token) - 4
    return token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]


def _forged(token: str, owner: str, victim: str) -> dict[str, str]:
    parts = token.split(".")
    try:
        header, claims = (json.loads(_decode(part)) for part in parts[:2])
    except ValueError:
        return {}
    if len(parts) != 3:
        return {}
    theirs = {name: victim if value == owner else value for name, value in claims.items()}
    unsigned = header | {"alg": "none"}
    return {
        "a token whose name was changed": f"{parts[0]}.{_encode(theirs)}.{parts[2]}",
        "a token without a signature": f"{_encode(unsigned)}.{_encode(theirs)}.",
        "a token that keeps its signature and denies it": f"{_encode(unsigned)}.{'.'.join(parts[1:])}",
        "a token of another secret": _signed(header, theirs, b"another secret of thirty-two bytes"),
        "a token of an empty secret": _signed(header, theirs, b""),
    }


def _signed(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    text = f"{_encode(header | {'alg': 'HS256'})}.{_encode(claims)}"
    return f"{text}.{_base64(hmac.digest(secret, text.encode(), hashlib.sha256))}"


def _encode(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
