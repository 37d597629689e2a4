"""Starting the server under test from its profile."""

from __future__ import annotations

import contextlib
import secrets
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from harness.errors import UsageError
from harness.profile import Profile
from harness.stack import Services, Target, start_target

HOST = "127.0.0.1"


@contextlib.contextmanager
def running_target(
    profile: Profile, services: Services, *, log: Path, workers: int | None = None, port: int | None = None
) -> Iterator[Target]:
    """Run the server on a database of its own until the context ends; its output goes to `log`.

    `port` None takes a free one. Raises UsageError when the profile cannot be filled in or the server never
    becomes ready.
    """
    names = {
        "python": sys.executable,
        "host": HOST,
        "port": "{port}",  # filled in at each attempt to start
        "workers": str(workers or profile.workers),
        "redis_url": services.redis_url,
        "mongodb_url": services.mongodb_url,
        "database": f"pollproof_{secrets.token_hex(6)}",
        "secret": secrets.token_hex(32),
    }
    target = start_target(
        [_fill(word, names, profile) for word in profile.command],
        base_url=f"http://{HOST}:{port or '{port}'}",
        ready_path=profile.ready_path,
        log=log,
        env={key: _fill(value, names, profile) for key, value in profile.env.items()},
        deadline_s=profile.ready_within_s,
    )
    try:
        yield target
    finally:
        target.stop()


def _fill(text: str, names: dict[str, str], profile: Profile) -> str:
    try:
        return text.format_map(names)
    except (KeyError, ValueError, IndexError) as error:
        legal = ", ".join(sorted(names))
        raise UsageError(
            f"The target profile {profile.name!r} says {text!r}, but only {legal} can stand in braces."
        ) from error


def require_free(port: int) -> None:
    """Raise UsageError unless a server could listen on this port now."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise UsageError(f"Port {port} of {HOST} cannot be used: {error}.") from error
