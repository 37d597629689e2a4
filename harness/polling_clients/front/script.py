"""What happens to which polls: rules that a scenario adds, for some polls or while a context lasts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.polling_clients.front.misbehaviours import Misbehaviour

if TYPE_CHECKING:
    from harness.polling_clients.front.exchange import Exchange


@dataclass
class Rule:
    """One rule: for polls of this user (or of any), `times` times at most (None: always)."""

    misbehaviour: Misbehaviour
    user: str | None = None
    times: int | None = None
    used: int = 0

    @property
    def is_spent(self) -> bool:
        """Whether it has been applied as often as it may be."""
        return self.times is not None and self.used >= self.times

    def applies_to(self, exchange: Exchange) -> bool:
        """Return whether this poll is one of them."""
        return not self.is_spent and self.user in (None, exchange.user)


class Script:
    """The rules, the newest first. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    def next(self, misbehaviour: Misbehaviour, *, times: int = 1, user: str | None = None) -> Rule:
        """Apply it to the next polls; return the rule, which counts them."""
        return self._add(Rule(misbehaviour, user, times))

    @contextmanager
    def during(self, misbehaviour: Misbehaviour, *, user: str | None = None) -> Iterator[Rule]:
        """Apply it to every poll while the context lasts."""
        rule = self._add(Rule(misbehaviour, user))
        try:
            yield rule
        finally:
            with self._lock:
                self._rules.remove(rule)

    def take(self, exchange: Exchange) -> Misbehaviour | None:
        """Return what happens to this poll, and count it; None: it is answered as the server answers."""
        with self._lock:
            for rule in self._rules:
                if rule.applies_to(exchange):
                    rule.used += 1
                    return rule.misbehaviour
        return None

    def _add(self, rule: Rule) -> Rule:
        with self._lock:
            self._rules.insert(0, rule)
        return rule
