"""The server under test: a command, an environment, and a URL that answers when it serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import urllib3

from harness.errors import DeadlineMissed, ProcessDied, UsageError
from harness.stack.processes import Process


class Target(Process):
    """One server under test. After `kill()` or `stop()`, `start()` brings it back at the same place."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        base_url: str,
        ready_path: str,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        deadline_s: float = 20.0,
    ) -> None:
        super().__init__("The server under test", command, log=log, env=env, cwd=cwd)
        self.base_url = base_url.rstrip("/")
        self._ready_url = self.base_url + ready_path
        self._deadline_s = deadline_s

    def start(self) -> None:
        """Start it and wait until GET of its ready URL answers 200.

        Raises UsageError, with the command, how it ended or how long it was waited for, and its last lines.
        """
        self.launch()
        try:
            with urllib3.PoolManager(retries=False, timeout=2.0) as http:
                self.wait_until_ready(
                    lambda: http.request("GET", self._ready_url).status == 200,
                    deadline_s=self._deadline_s,
                    retry_on=(urllib3.exceptions.HTTPError,),
                )
        except ProcessDied as error:
            self.kill()
            raise UsageError(f"`{' '.join(self.command)}` ended before it served: {error}") from error
        except DeadlineMissed as error:
            self.kill()
            raise UsageError(
                f"`{' '.join(self.command)}` did not answer GET {self._ready_url} with 200 within"
                f" {self._deadline_s:g} s; {self.said()}"
            ) from error


def start_target(
    command: Sequence[str],
    *,
    base_url: str,
    ready_path: str,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    deadline_s: float = 20.0,
) -> Target:
    """Start a server under test and wait until it serves; see `Target.start` for the errors.

    `env` is the whole environment (None: ours), `log` the file its output goes to.
    """
    target = Target(
        command, base_url=base_url, ready_path=ready_path, log=log, env=env, cwd=cwd, deadline_s=deadline_s
    )
    target.start()
    return target
