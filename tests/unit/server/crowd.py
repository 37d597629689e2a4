"""Those who come while the request of the first is under way, each in a thread of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from harness.stack import wait_until
from reference_server.turns import Turns

FIRST = "first"


class Crowd:
    """Their requests, which `turns` serves; `outcomes` has what each returned, or the error of `errors`."""

    def __init__(self, turns: Turns[Any, Any], errors: type[Exception], let_go: threading.Event) -> None:
        self.outcomes: dict[str, Any] = {}
        self._turns, self._errors, self._let_go = turns, errors, let_go
        self._threads: list[threading.Thread] = []

    def begin(self, name: str, request: Callable[[], Any]) -> None:
        """Let one more request begin; return when it waits behind the first."""
        thread = threading.Thread(target=self._run, args=(name, request), daemon=True)
        self._threads.append(thread)
        thread.start()
        wait_until(self._all_are_there, deadline_s=10, what="one more to wait")

    def end(self) -> dict[str, Any]:
        """Let the first one go, wait until all have ended, and return the outcomes."""
        self._let_go.set()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()
        return self.outcomes

    def end_of_others(self) -> dict[str, Any]:
        """Do the same, and return the outcomes of those behind the first."""
        return {name: outcome for name, outcome in self.end().items() if name != FIRST}

    def _run(self, name: str, request: Callable[[], Any]) -> None:
        try:
            self.outcomes[name] = request()
        except self._errors as error:
            self.outcomes[name] = error

    def _all_are_there(self) -> bool:
        waiting = self._turns._waiting
        return bool(waiting) and sum(map(len, waiting.values())) == len(self._threads) - 1
