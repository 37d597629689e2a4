"""The server under test: a command, an environment, and a URL that answers when it serves."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import urllib3

from harness.errors import DeadlineMissed, ProcessDied, UsageError
from harness.stack.guardian import GUARDIAN
from harness.stack.server import Server


class Target(Server):
    """One server under test. After `kill()` or `stop()`, `start()` brings it back at the same port."""

    not_ready_yet = (urllib3.exceptions.HTTPError,)

    def __init__(
        self,
        command: Sequence[str],
        *,
        ready_path: str,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        deadline_s: float = 20.0,
        port: int | None = None,
    ) -> None:
        super().__init__("The server under test", command, log=log, env=env, cwd=cwd, port=port)
        self.ready_deadline_s = deadline_s
        self._ready_path = ready_path

    @property
    def base_url(self) -> str:
        """Where it serves, without a slash at the end."""
        return "http://{}:{}".format(*self.address)

    def ready(self) -> bool:
        """Whether GET of the ready path answers 200."""
        with urllib3.PoolManager(retries=False, timeout=2.0) as http:
            return http.request("GET", self.base_url + self._ready_path).status == 200

    def await_ready(self) -> None:
        """Wait until it serves.

        Raises UsageError, with the command, how it ended or how long it was waited for, and its last lines.
        """
        try:
            super().await_ready()
        except ProcessDied as error:
            raise UsageError(f"`{' '.join(self.command)}` ended before it served: {error}") from error
        except DeadlineMissed as error:
            raise UsageError(
                f"`{' '.join(self.command)}` did not answer GET {self.base_url}{self._ready_path} with 200"
                f" within {self.ready_deadline_s:g} s; {self.said()}"
            ) from error


def start_target(
    command: Sequence[str],
    *,
    ready_path: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    log: Path | None = None,
    deadline_s: float = 20.0,
    port: int | None = None,
) -> Target:
    """Start a server under test and wait until GET `ready_path` answers 200; see `Target.await_ready`.

    `{port}` in `command` and in the values of `env` is filled in: with `port`, or with a free one, chosen
    anew where somebody else takes it meanwhile. `env` is added to the harness's own environment. Its output
    goes to the file `log`, by default a temporary one that goes when the harness ends.
    """
    if log is None:
        folder = Path(tempfile.mkdtemp(prefix="pollproof-target-"))
        GUARDIAN.tell(folder=str(folder))
        log = folder / "target.log"
    target = Target(
        command, ready_path=ready_path, log=log, env=env, cwd=cwd, deadline_s=deadline_s, port=port
    )
    target.start()
    return target
