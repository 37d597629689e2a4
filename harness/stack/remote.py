"""A server that runs already: its profile has a URL, and no command."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from harness.errors import DeadlineMissed, NeverReady, NotHere
from harness.stack.probe import Address
from harness.stack.target_process import Target
from harness.stack.waiting import wait_until

DEFAULT_PORTS = {"http": 80, "https": 443}


class Remote(Target):
    """A server under test that is never started, stopped or broken."""

    def __init__(self, url: str, *, ready_path: str, deadline_s: float) -> None:
        super().__init__((), ready_path=ready_path, log=Path(os.devnull), base_url=url, deadline_s=deadline_s)
        parts = urlsplit(url)
        self._where = parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]

    @property
    def address(self) -> Address:
        """Where it listens."""
        return self._where

    def start(self) -> None:
        """Wait until it serves. Raise NeverReady when it does not."""
        try:
            wait_until(
                self.ready, deadline_s=self.ready_deadline_s, what="it to serve", retry_on=self.not_ready_yet
            )
        except DeadlineMissed as error:
            raise NeverReady(f"The server {self.unready()}.", last_status=self._last_status) from error

    def stop(self, *, deadline_s: float = 0.0) -> bool:
        """Leave it running, and return True."""
        return True

    def launch(self) -> None:
        """Raise NotHere: only the user can start it."""
        raise NotHere(f"The server at {self.base_url} is not the harness's: it is never started or stopped.")

    def kill(self) -> None:
        """Raise NotHere: only the user can end it."""
        self.launch()
