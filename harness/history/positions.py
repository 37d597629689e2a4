"""Where a cursor or a message is in its mailbox, if the target's semantics allow to compare them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NewType, Protocol, cast

from harness.history.instants import instant
from harness.semantics import Semantics

Position = NewType("Position", str)
"""A place in a mailbox; strings sort like the places."""
BEGINNING = Position("")
"""Before every message."""
_Place = Callable[[str | None], Position | None]
_NUMBER = re.compile(r"0*(\d+)", re.ASCII)


class Placed(Protocol):
    """A message as an ack or a poll returned it."""

    @property
    def timestamp(self) -> str | None: ...  # noqa: D102
    @property
    def seq(self) -> int | None: ...  # noqa: D102


@dataclass(frozen=True)
class Scale:
    """How a target's cursors and messages are compared."""

    semantics: Semantics

    @property
    def compares(self) -> bool:
        """Whether cursors can be compared with messages at all."""
        return self.semantics.cursor in ("timestamp", "sequence")

    @property
    def is_inclusive(self) -> bool:
        """Whether a poll repeats the message at its cursor."""
        return self.semantics.boundary == "inclusive"

    @cached_property
    def of_cursor(self) -> _Place:
        """The function that returns the position of a cursor; None if it cannot be compared."""
        if self.semantics.cursor == "timestamp":
            return cast(_Place, instant)
        return _numbered if self.semantics.cursor == "sequence" else _nowhere

    @cached_property
    def of_message(self) -> Callable[[Placed], Position | None]:
        """The function that returns the position of a message; None if it cannot be compared with cursors."""
        if self.semantics.cursor == "timestamp":
            return _by_timestamp
        return _by_seq if self.semantics.cursor == "sequence" else _nowhere

    def is_same(self, one: str | None, other: str | None) -> bool:
        """Whether two cursors are the same place: with the same text, or the same position."""
        return one == other or (self.compares and self.of_cursor(one) == self.of_cursor(other))


def _nowhere(cursor: object) -> None:
    """Return None: an opaque cursor cannot be compared."""


def _by_timestamp(message: Placed) -> Position | None:
    return cast(Position | None, instant(message.timestamp))


def _by_seq(message: Placed) -> Position | None:
    return _numbered(str(message.seq)) if isinstance(message.seq, int) else None


def _numbered(text: str | None) -> Position | None:
    """Return the position of a whole number, however long: numbers with more digits sort behind."""
    found = _NUMBER.fullmatch(text) if isinstance(text, str) else None
    return Position(f"{len(found[1]):06d}{found[1]}") if found else None
