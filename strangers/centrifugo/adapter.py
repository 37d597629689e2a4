"""Centrifugo: a mailbox is a channel, and a poll reads the channel's history behind an offset of an epoch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.adapters import Ack, Message, Page, Refused, Unavailable
from harness.adapters.http import Request
from strangers.asking import Asking
from strangers.envelope import envelope, opened

LONGEST_PAGE = 100
UNRECOVERABLE_POSITION = 112
INTERNAL = 100


class Centrifugo(Asking):
    """One user, through the server's HTTP API, as an application's backend uses it."""

    registers = False
    signs_in = False

    def register(self) -> None:
        """A channel exists when it is used."""

    def sign_in(self) -> None:
        """The backend of the application signs users in, not Centrifugo."""

    def send(self, recipient: str, content: str, client_message_id: str | None) -> Ack:
        """Publish one message; the idempotency key makes retries of it one publication."""
        said = envelope(self.username, recipient, content, client_message_id)
        key = {"idempotency_key": f"{self.username}:{client_message_id}"} if client_message_id else {}
        result = self._call("publish", channel=_channel(recipient), data=said, **key)
        return Ack(id=_id(result["epoch"], result["offset"]))

    def poll(self, since: str | None, limit: int | None, wait_s: float) -> Page:
        """Return what is behind the cursor; where the history has lost that, all that is left, with `gap`."""
        del wait_s  # no request of this API is held open
        most = limit or LONGEST_PAGE
        epoch, _, offset = (since or "").partition(":")
        if since is None:
            return self._page(most, None, 0)
        try:
            return self._page(most, epoch, int(offset))
        except _Unrecoverable:
            return self._page(most, None, 0, had_lost=True)

    def _page(self, most: int, epoch: str | None, offset: int, *, had_lost: bool = False) -> Page:
        since = {} if epoch is None else {"since": {"epoch": epoch, "offset": offset}}
        result = self._call("history", channel=_channel(self.username), limit=most, **since)
        found, top, epoch = result.get("publications", []), result["offset"], result["epoch"]
        if top < offset:
            raise _Unrecoverable  # the stream is shorter than the client saw it
        first = found[0]["offset"] if found else top + 1
        last = found[-1]["offset"] if found else top
        return Page(
            messages=[_message(one, epoch) for one in found],
            next_since=f"{epoch}:{last}",
            has_more=last < top,
            gap=had_lost or first > offset + 1,
        )

    def _call(self, method: str, **fields: Any) -> Mapping[str, Any]:
        """Return the result of one API method. Raise OSError, Refused, Unavailable or _Unrecoverable."""
        headers = {"Content-Type": "application/json"}
        answer = self.ask(
            Request("POST", f"/api/{method}", headers=headers, body=json.dumps(fields).encode())
        )
        error = answer.body.get("error")
        if error is None:
            return dict(answer.body["result"])
        if error["code"] == UNRECOVERABLE_POSITION:
            raise _Unrecoverable
        said = f"{method}: {error['message']}"
        raise Unavailable(said) if error["code"] == INTERNAL else Refused(said)


class _Unrecoverable(Exception):
    """The history does not have the position any more."""


def _channel(username: str) -> str:
    return f"mailbox_{username}"


def _id(epoch: str, offset: int) -> str:
    return f"{epoch}:{offset}"


def _message(publication: Mapping[str, Any], epoch: str) -> Message:
    offset = publication["offset"]
    return opened(publication["data"], id=_id(epoch, offset), seq=offset)
