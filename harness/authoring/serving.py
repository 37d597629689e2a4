"""The server that a profile is tried on: started by its command on real stores, or running at its `url`."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.errors import DoesNotFit, InfrastructureError, NeverReady
from harness.stack import Services
from harness.targets.profile import Profile
from harness.targets.starting import running_target


@contextlib.contextmanager
def served(profile: Profile, *, say: Callable[[str], None]) -> Iterator[str]:
    """Yield the URL of the server while it runs.

    Raise InfrastructureError when it cannot be started, DoesNotFit when `ready_path` is answered otherwise.
    """
    if profile.url:
        yield profile.url
        return
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pollproof-try-")))
        services = stack.enter_context(Services(say=say, stores=profile.stores))
        starting = running_target(profile, services, log=folder / "server-try.log", workers=1)
        try:
            target = stack.enter_context(starting)
        except NeverReady as error:
            kind = DoesNotFit if error.last_status is not None else InfrastructureError
            raise kind(error.sentence, last_lines=error.last_lines) from error
        yield target.base_url
