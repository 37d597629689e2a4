"""The server under test: a command, an environment, and a URL that answers when it serves."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import urllib3

from harness.adapters.bounded_http import new_pool, read_body
from harness.errors import DeadlineMissed, NeverReady, ProcessDied
from harness.stack.guardian import GUARDIAN
from harness.stack.processes import said
from harness.stack.server_process import HOST, ServerProcess, listening_ports

ANY_PORT = f"http://{HOST}:{{port}}"


class Target(ServerProcess):
    """One server under test. After `kill()` or `stop()`, `start()` brings it back at the same port."""

    not_ready_yet = (urllib3.exceptions.HTTPError,)

    def __init__(
        self,
        command: Sequence[str],
        *,
        ready_path: str,
        log: Path,
        base_url: str = ANY_PORT,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        deadline_s: float = 20.0,
    ) -> None:
        port = None if "{port}" in base_url else urlsplit(base_url).port
        super().__init__("The server under test", command, log=log, env=env, cwd=cwd, port=port)
        self.ready_deadline_s = deadline_s
        self._base_url = base_url.rstrip("/")
        self._ready_path = ready_path
        self._last_status: int | None = None

    @property
    def base_url(self) -> str:
        """The URL at which it serves, without a slash at the end."""
        return self._base_url.replace("{port}", str(self.address[1]))

    def ready(self) -> bool:
        """Return whether GET of the ready path is answered 200."""
        with new_pool(timeout=urllib3.Timeout(total=2.0)) as http:
            response = http.request("GET", self.base_url + self._ready_path, preload_content=False)
            self._last_status = response.status
            return read_body(response) is not None and response.status == 200

    def says(self, path: str) -> str:
        """Return the status with which GET of a path is answered, or 'nothing'."""
        with new_pool(timeout=urllib3.Timeout(total=2.0)) as http:
            try:
                response = http.request("GET", self.base_url + path, preload_content=False)
                return str(response.status) if read_body(response) is not None else "nothing"
            except urllib3.exceptions.HTTPError:
                return "nothing"

    def unready(self) -> str:
        """Return what it did not do, as the middle of a sentence, with its last answer if there was one."""
        asked = f"GET {self.base_url}{self._ready_path}"
        last = "" if self._last_status is None else f"; the last answer was {self._last_status}"
        return f"did not answer {asked} with 200 within {self.ready_deadline_s:g} s{last}"

    def listens(self) -> bool:
        """Return True without a look: in a container the listener is not a child of the command."""
        return True

    def workers(self) -> list[psutil.Process]:
        """Return the child processes that share its port, or all children if none does; oldest first."""
        children = sorted(self.children(), key=lambda child: child.pid)
        sharing = [child for child in children if self.address[1] in listening_ports(child)]
        return sharing or children

    def await_ready(self) -> None:
        """Wait until it serves.

        Raise NeverReady, with the command, how it ended or how long the wait was, and its last lines.
        """
        try:
            super().await_ready()
        except ProcessDied as error:
            raise NeverReady(
                f"`{' '.join(self.command)}` ended before it served: {error.sentence}",
                last_lines=error.last_lines,
            ) from error
        except DeadlineMissed as error:
            raise NeverReady(
                f"`{' '.join(self.command)}` {self.unready()}; {said(error.last_lines)}",
                last_lines=error.last_lines,
                last_status=self._last_status,
            ) from error


def start_server(
    command: Sequence[str],
    *,
    ready_path: str,
    base_url: str = ANY_PORT,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    log: Path | None = None,
    deadline_s: float = 20.0,
) -> Target:
    """Start a server under test and wait until GET `ready_path` answers 200; see `Target.await_ready`.

    `{port}` in `command`, in the values of `env` and in `base_url` stands for the port. With the default
    `base_url` that is a free one, and another one if a different program takes it first; a `base_url` with a
    number says where the server will be. `env` is added to the harness's own environment.
    Its output goes to the file `log`, by default a temporary one that goes when the harness ends.
    """
    if log is None:
        folder = Path(tempfile.mkdtemp(prefix="pollproof-target-"))
        GUARDIAN.tell(folder=str(folder))
        log = folder / "target.log"
    target = Target(
        command, ready_path=ready_path, log=log, base_url=base_url, env=env, cwd=cwd, deadline_s=deadline_s
    )
    target.start()
    return target
