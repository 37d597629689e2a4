"""A PostgreSQL of one's own, in a folder, reached by a socket in that folder alone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from strangers.starting import dies_with_us

USER = "postgres"
READY_WITHIN_S = 60.0
SETTINGS = ("-c", "listen_addresses=", "-c", "timezone=UTC")


def program(name: str) -> str:
    """Return where a program of PostgreSQL is. Raise FileNotFoundError when it is not installed."""
    newest_first = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)  # Debian's folders
    found = shutil.which(name) or next(map(str, newest_first), None)
    if found is None:
        raise FileNotFoundError("PostgreSQL is not installed")
    return found


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """Run it, as the user `postgres` where this is root, which it refuses to run as."""
    data = folder / "pg"
    if not data.exists():
        data.mkdir()
        if os.geteuid() == 0:
            for path in (folder, data):
                shutil.chown(path, USER)
        _call(_as_user(program("initdb"), "-D", str(data), "-A", "trust", "-U", USER, "-E", "UTF8", "-N"))
    command = dies_with_us([program("postgres"), "-D", str(data), "-k", str(folder), *SETTINGS])
    server = subprocess.Popen(_as_user(*command))  # in this order: a change of the user undoes the other one
    try:
        _wait_until_ready(folder)
        yield
    finally:
        server.send_signal(signal.SIGINT)  # ends without waiting for its clients
        server.wait()


def _wait_until_ready(folder: Path) -> None:
    give_up_at = time.monotonic() + READY_WITHIN_S
    ask = [program("pg_isready"), "--quiet", "-h", str(folder), "-U", USER]
    while subprocess.run(ask, check=False).returncode:
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"PostgreSQL was not ready after {READY_WITHIN_S:g} s")
        time.sleep(0.1)


def _as_user(*command: str) -> Sequence[str]:
    if os.geteuid() != 0:
        return command
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", "--", *command]


def _call(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
