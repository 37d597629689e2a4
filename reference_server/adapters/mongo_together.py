"""Appends to several mailboxes as one command: those that come while another one is under way.

Each command waits for the journal. To this process and to MongoDB it costs several times as much as what is
specific to one append. MongoDB ends a command at its first update that fails, and so it must: a check keeps
the insert behind it from being tried. So only appends that hardly ever fail share a command. Those behind a
failure, of which nothing was tried, are sent alone: they lose one round trip.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reference_server.adapters.mongo import Document
from reference_server.adapters.mongo_after import Updates
from reference_server.turns import TooLate, Turns

LONGEST_WAIT_S = 0.05
"""For the command under way. A slow MongoDB is asked side by side: each append has its own time limit."""
_HERE = "mongodb"
_NOT_TRIED: Document = {"not tried": True}


class Together:
    """Sends the updates of those who wait for each other as one command; `alone` sends a command."""

    def __init__(self, alone: Updates) -> None:
        self._alone = alone
        self._turns: Turns[Sequence[Document], Document] = Turns(self._run)

    def run(self, updates: Sequence[Document]) -> Document:
        """See Updates."""
        try:
            reply = self._turns.take(_HERE, updates, LONGEST_WAIT_S)
        except TooLate:
            reply = _NOT_TRIED
        return self._alone.run(updates) if reply is _NOT_TRIED else reply

    def _run(self, _: str, several: Sequence[Sequence[Document]]) -> list[Document]:
        """Return for each its part of the reply, or _NOT_TRIED. A driver's error is everyone's."""
        reply = self._alone.run([update for updates in several for update in updates])
        return list(shared_out(reply, several))


def shared_out(reply: Document, several: Sequence[Sequence[Document]]) -> Iterator[Document]:
    """Yield for each list of updates the reply to it alone, or _NOT_TRIED."""
    failures = reply.get("writeErrors", [])
    failed_at = failures[0]["index"] if failures else sum(map(len, several))
    begin = 0
    for updates in several:
        if begin + len(updates) <= failed_at:
            yield {name: value for name, value in reply.items() if name != "writeErrors"}
        elif begin <= failed_at:
            yield reply | {"writeErrors": [failures[0] | {"index": failed_at - begin}]}
        else:
            yield _NOT_TRIED
        begin += len(updates)
