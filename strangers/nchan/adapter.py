"""Nchan: a mailbox is a channel, which is read by interval polling.

The cursor is what an answer says in `Last-Modified` and `ETag`, given back in `If-Modified-Since` and
`If-None-Match`. A message's content is JSON with its sender, since Nchan itself knows no senders.
"""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from harness.adapters import Ack, Message, Page, Unavailable
from harness.adapters.http import Request
from strangers.asking import Asking
from strangers.envelope import envelope, opened

NOTHING_NEW = 304
LONGEST_PAGE = 100


class Nchan(Asking):
    """One user: anyone may publish to a channel, and its owner reads it."""

    registers = False
    signs_in = False

    def register(self) -> None:
        """Nchan has no users."""

    def sign_in(self) -> None:
        """Nchan has no users."""

    def send(self, recipient: str, content: str, client_message_id: str | None) -> Ack:
        """Publish one message. A retry of it is another message to Nchan."""
        said = envelope(self.username, recipient, content, client_message_id)
        answer = self.ask(
            Request(
                "POST",
                f"/publish/{quote(recipient, safe='')}",
                headers={"Accept": "application/json", "Content-Type": "application/json"},
                body=json.dumps(said).encode(),
            ),
            ok=(200, 201, 202),
        )
        return Ack(id=answer.body["last_message_id"])

    def poll(self, since: str | None, limit: int | None, wait_s: float) -> Page:
        """Return the messages behind the cursor, each of which Nchan answers to a request of its own."""
        del wait_s  # this location of the configuration never holds a poll open
        messages: list[Message] = []
        while len(messages) < (limit or LONGEST_PAGE):
            try:
                message, since = self._next(since)
            except (OSError, Unavailable):
                if messages:
                    break  # what has come is not lost with the rest
                raise
            if message is None:
                return Page(messages=messages, next_since=since, has_more=False)
            messages.append(message)
        return Page(messages=messages, next_since=since, has_more=True)

    def _next(self, since: str | None) -> tuple[Message | None, str]:
        """Return the message behind a cursor, if there is one, and the next cursor."""
        path = f"/subscribe/{quote(self.username, safe='')}"
        answer = self.ask(Request("GET", path, headers=_conditions(since)), ok=(200, NOTHING_NEW))
        if answer.status == NOTHING_NEW:
            return None, since or ""
        modified, tag = answer.headers["Last-Modified"], answer.headers["ETag"]
        id_ = f"{int(parsedate_to_datetime(modified).timestamp())}:{tag}"
        return opened(json.loads(answer.text), id=id_), f"{modified}|{tag}"


def _conditions(since: str | None) -> dict[str, str]:
    if not since:
        return {}
    modified, _, tag = since.partition("|")
    return {"If-Modified-Since": modified, "If-None-Match": tag}
