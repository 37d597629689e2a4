"""What clients did and were made to do, on its way into the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Record = Callable[..., Any]


class Told:
    """Records the life of one client. `owners` says whose mailbox each message was in, by its id."""

    def __init__(self, record: Record, client: str, owners: Mapping[str, str]) -> None:
        self.client = client
        self.user: str | None = None
        self.shown: list[str] = []
        """The ids that were handed on, in order."""
        self._record = record
        self._owners = owners
        self._before: str | None = None
        """The user before, while a switch is under way."""

    def begin_switch(self, user: str) -> None:
        """Note that the client is being switched to this user."""
        self._before, self.user = self.user, user

    def did(self, did: str, *, user: str | None = None, **more: Any) -> None:
        """Record what the client was made to do; a `user` is from now on the one for whom it runs."""
        if user is not None:
            self.user = user
        if did == "switch":
            self._before = None
        self._record("client_told", client=self.client, did=did, user=user or self.user, **more)

    def handed(self, id_: str, *, user: str | None = None, content: str | None = None) -> None:
        """Record that the client handed a message on."""
        self.shown.append(id_)
        self._record(
            "client_handed", client=self.client, id=id_, user=user or self._user_of(id_), content=content
        )

    def state(self, type_: str, error: str | None) -> None:
        """Record a state that the client reported."""
        self._record("client_state", client=self.client, type=type_, error=error)

    def _user_of(self, id_: str) -> str | None:
        """Return for whom the client runs; during a switch either user is right."""
        owner = self._owners.get(id_)
        return owner if owner is not None and owner == self._before else self.user
