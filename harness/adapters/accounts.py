"""Where the users of a run come from: the server's endpoint, a command of the operator, or a list."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence

from harness.adapters.results import Failed, Said
from harness.adapters.wire import Credentials
from harness.errors import NotHere, UsageError, reason_of

COMMAND_WITHIN_S = 30.0


def create_by_command(words: Sequence[str], *, username: str, password: str, base_url: str) -> Said:
    """Run the operator's command that creates a user. Raise UsageError when it cannot be run, or fails."""
    names = {"username": username, "password": password, "base_url": base_url}
    filled = [word.format_map(names) for word in words]
    try:
        done = subprocess.run(
            filled,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=COMMAND_WITHIN_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise Failed(error="timeout") from error
    except OSError as error:
        raise UsageError(
            f"The command {words[0]!r} that creates a user cannot be run: {reason_of(error)}."
        ) from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        last = f": {said[-1]}" if said else ""
        raise UsageError(f"The command {words[0]!r} that creates a user ended with {done.returncode}{last}.")
    return Said()


class Accounts:
    """Users who exist already, each for one user of the scenario. Threads may share it."""

    def __init__(self, known: Sequence[Credentials]) -> None:
        self._left = iter(known)
        self._count = len(known)
        self._taken: dict[str, str] = {}
        self._lock = threading.Lock()

    def take(self, username: str) -> tuple[str, str]:
        """Return the name and password of one that was taken by this name, or of the next one.

        Raise NotHere when all are in use: the row needs more users.
        """
        with self._lock:
            if username not in self._taken:
                following = next(self._left, None)
                if following is None:
                    raise NotHere(f"The profile's list has {self._count} users, and this row needs more.")
                username = following.username
                self._taken[username] = following.password
            return username, self._taken[username]
