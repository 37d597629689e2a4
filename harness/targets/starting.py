"""Starting one server under test from its profile."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

from harness.errors import UsageError, reason_of
from harness.extras import SERVER, require
from harness.stack import Services, Target
from harness.targets.instances import HOST, Instances
from harness.targets.profile import Profile

OUR_SERVER = ("{python}", "-m", "reference_server")


@contextlib.contextmanager
def running_target(
    profile: Profile, services: Services, *, log: Path, workers: int | None = None, port: int | None = None
) -> Iterator[Target]:
    """Run the server with a new database until the context ends; its output goes to `log`.

    Without `port` it takes a free one. Raise UsageError when the profile cannot be filled in or the server
    never becomes ready.
    """
    name = log.stem.removeprefix("server-")
    instances = Instances(profile, services, logs=log.parent, name=name, workers=workers, port=port)
    try:
        yield instances.start()
    finally:
        instances.stop()


def require_startable(profile: Profile) -> None:
    """Raise UsageError where this Python lacks what the target is started with: our server's packages."""
    if profile.command[:3] == OUR_SERVER:
        require(SERVER, f"The target '{profile.name}' is the reference server, which")


def require_free(port: int) -> None:
    """Raise UsageError unless a server could listen on this port now."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise UsageError(f"Port {port} of {HOST} cannot be used: {reason_of(error)}.") from error
