"""Starting the server under test from its profile."""

from __future__ import annotations

import contextlib
import secrets
import sys
from collections.abc import Iterator

from harness.errors import UsageError
from harness.profile import Profile
from harness.stack import Services, start_target

HOST = "127.0.0.1"


@contextlib.contextmanager
def running_target(
    profile: Profile, services: Services, *, workers: int | None = None, port: int | None = None
) -> Iterator[str]:
    """Run the server on a database of its own; gives its base URL once it is ready, and ends it afterwards.

    `port` None takes a free one. Raises UsageError when the profile cannot be filled in, the port is taken,
    or the server never becomes ready.
    """
    names = {
        "python": sys.executable,
        "host": HOST,
        "workers": str(workers or profile.workers),
        "redis_url": services.redis_url,
        "mongodb_url": services.mongodb_url,
        "database": f"pollproof_{secrets.token_hex(6)}",
        "secret": secrets.token_hex(32),
    }
    target = start_target(
        [_fill(word, names, profile) for word in profile.command],
        env={key: _fill(value, names, profile) for key, value in profile.env.items()},
        ready_path=profile.ready_path,
        deadline_s=profile.ready_within_s,
        port=port,
    )
    try:
        yield target.base_url
    finally:
        target.stop()


def _fill(text: str, names: dict[str, str], profile: Profile) -> str:
    known = names | {"port": "{port}"}  # the port is chosen, and filled in, at each attempt to start
    try:
        return text.format_map(known)
    except (KeyError, ValueError, IndexError) as error:
        legal = ", ".join(sorted(known))
        raise UsageError(
            f"The target profile {profile.name!r} says {text!r}, but only {legal} can stand in braces."
        ) from error
