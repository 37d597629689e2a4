"""What `--host` must be: the URL of a server that speaks the contract, asked once before any user starts."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from harness.client import Answer
from harness.errors import UsageError

TRIES = 3
"""A server that only sometimes answers wrongly gets its load test, which it then fails."""
EXAMPLE = "such as http://127.0.0.1:8000"


def clean(host: str | None) -> str:
    """Return the server's URL without what people type around it. Raise UsageError if it cannot be one."""
    text = (host or "").strip()
    if not text:
        raise UsageError(f"--host is missing: it must be the server's URL, {EXAMPLE}.")
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        authority = parts.netloc.encode("idna").decode() if parts.hostname else ""
    except ValueError:  # a UnicodeError, too
        is_url = False
    if not is_url or any(character.isspace() or not character.isprintable() for character in text):
        raise UsageError(f"--host {text!r} is not a server's URL, {EXAMPLE}.")
    if parts.username is not None or parts.query or parts.fragment or not parts.path.isascii():
        raise UsageError(f"--host {text!r} must be scheme, host, port and path alone, {EXAMPLE}.")
    return f"{parts.scheme}://{authority}{parts.path.rstrip('/')}"


def check(host: str, call: str, register: Callable[[], Answer]) -> None:
    """Register up to three users by `call`, a method and a path.

    Raise UsageError unless one answer looks like that of a server with users. Any
    JSON is enough, also a refusal: the load test then judges whether it is right.
    """
    problem = ""
    for _ in range(TRIES):
        problem = _problem(register())
        if not problem:
            return
    raise UsageError(f"--host {host!r} is not a server for this load test: {call} {problem}.")


def _problem(answer: Answer) -> str:
    if answer.status is None:
        return f"was not answered: {answer.error}"
    if answer.error is not None:
        return f"was answered {answer.status}, and {answer.error}"
    is_there = 200 <= answer.status < 300 or (answer.status >= 400 and answer.status not in (404, 405, 501))
    return "" if is_there else f"was answered {answer.status}"
