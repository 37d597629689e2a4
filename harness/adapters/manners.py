"""How one message is sent and how one poll asks: what may vary and still mean the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

USUAL = "JSON"


@dataclass(frozen=True)
class Manner:
    """How one message is sent; `special` says in a few words each what is unusual about it."""

    content: str
    client_message_id: str | None
    spelling: str = USUAL
    names_sender: bool = False
    new_connection: bool = False
    special: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """How one poll asks. `unescaped` are characters that stay as they are in the URL."""

    since: str | None
    parameters: Mapping[str, str]
    unescaped: str = ""
    new_connection: bool = False
    special: tuple[str, ...] = ()

    @property
    def wait_s(self) -> float:
        """How long the server may hold the poll open, in seconds."""
        return float(self.parameters.get("wait", 0))

    @property
    def limit(self) -> int | None:
        """How many messages it asks for at most."""
        limit = self.parameters.get("limit")
        return None if limit is None else int(limit)
