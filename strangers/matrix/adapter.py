"""Matrix: a mailbox is a room of its owner, which senders join, and a poll is a `/sync` of that room alone.

`/sync` returns the newest messages, whatever their number: where its timeline is `limited`, the rest is read
with `/messages`. So a cursor is a `since` of `/sync`, and how many messages behind it earlier pages had.

For two minutes Synapse answers the same `since` and `timeout` of a device as before, if there was news
(`sync_response_cache_duration`). So the pages of one answer are read with one `timeout`, which is in the
cursor, too; and behind an answer with news there can be more.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from harness.adapters import Ack, Message, Page, Refused, Session, Site
from harness.adapters.http import Request
from strangers.asking import Asking

API = "/_matrix/client/v3"
LONGEST_PAGE = 100
MESSAGE = "m.room.message"
NOTHING: Mapping[str, Any] = {"types": []}


class Matrix(Asking):
    """One user, on a device of their own."""

    def __init__(self, site: Site, username: str, password: str) -> None:
        super().__init__(site, username, password)
        self._device = secrets.token_hex(8)  # transaction ids hold for one device
        self._token = ""
        self._rooms: dict[str, str] = {}
        """The mailboxes that this user has joined, by their owner."""

    def register(self) -> None:
        """Create this user, and a room that is the user's mailbox."""
        said = {"username": local_part(self.username), "password": self.password, "inhibit_login": False}
        try:
            found = self._call("POST", "/register", {**said, "auth": {"type": "m.login.dummy"}})
        except Refused as refused:
            if "M_USER_IN_USE" in str(refused.why):
                raise Refused(str(refused.why), status=409) from refused
            raise
        self._token = found["access_token"]
        room = {"preset": "public_chat", "room_alias_name": _alias_name(self.username)}
        self._rooms[self.username] = self._call("POST", "/createRoom", room)["room_id"]

    def sign_in(self) -> Session:
        """Sign in by password, always on the same device."""
        user = {"type": "m.id.user", "user": local_part(self.username)}
        said = {"type": "m.login.password", "identifier": user, "password": self.password}
        found = self._call("POST", "/login", {**said, "device_id": self._device})
        self._token = found["access_token"]
        return Session(token=self._token)

    def send(self, recipient: str, content: str, client_message_id: str | None) -> Ack:
        """Send one message; the transaction id makes retries of it one event."""
        room = self._rooms.get(recipient) or self._join(recipient)
        transaction = quote(f"t{client_message_id or secrets.token_hex(16)}", safe="")
        said = {"msgtype": "m.text", "body": content, "sender_id": client_message_id}
        found = self._call("PUT", f"/rooms/{quote(room, safe='')}/send/{MESSAGE}/{transaction}", said)
        return Ack(id=found["event_id"])

    def poll(self, since: str | None, limit: int | None, wait_s: float) -> Page:
        """Return the messages behind the cursor."""
        token, number, earlier_ms = (since or "|0|0").split("|")
        done, most = int(number), limit or LONGEST_PAGE
        wait_ms = int(earlier_ms) if done else int(1000 * wait_s)
        events, next_batch = self._sync(token, wait_ms)
        page = [_message(event, self.username) for event in events[done : done + most]]
        if done + most < len(events):
            return Page(messages=page, next_since=f"{token}|{done + most}|{wait_ms}", has_more=True)
        return Page(messages=page, next_since=f"{next_batch}|0|0", has_more=not token or bool(events))

    def _join(self, owner: str) -> str:
        alias = quote(f"#{_alias_name(owner)}:{self._server_name}", safe="")
        self._rooms[owner] = str(self._call("POST", f"/join/{alias}", {})["room_id"])
        return self._rooms[owner]

    @property
    def _server_name(self) -> str:
        return str(self.site.options["server_name"])

    def _sync(self, since: str, wait_ms: int) -> tuple[Sequence[Mapping[str, Any]], str]:
        """Return the messages of this user's mailbox behind a token, the oldest first, and the next token."""
        room = self._rooms.get(self.username) or self._join(self.username)
        asked = {"filter": json.dumps(_only(room)), "timeout": str(wait_ms)}
        if since:
            asked["since"] = since
        found = self._call("GET", "/sync", parameters=asked, held_s=wait_ms / 1000)
        joined = found.get("rooms", {}).get("join", {}).get(room, {})
        timeline = joined.get("timeline", {"events": [], "limited": False})
        events = list(timeline["events"])
        if timeline["limited"]:
            events = [*self._behind(room, timeline["prev_batch"], since), *events]
        return events, found["next_batch"]

    def _behind(self, room: str, start: str, until: str) -> Sequence[Mapping[str, Any]]:
        """Return the messages between two tokens, the oldest first, read backwards."""
        found: list[Mapping[str, Any]] = []
        asked = {"dir": "b", "limit": str(LONGEST_PAGE), "filter": json.dumps({"types": [MESSAGE]})}
        asked |= {"to": until} if until else {}
        while True:
            path = f"/rooms/{quote(room, safe='')}/messages"
            page = self._call("GET", path, parameters={**asked, "from": start})
            found += page["chunk"]
            if "end" not in page:
                return found[::-1]
            start = page["end"]

    def _call(
        self,
        method: str,
        path: str,
        said: Mapping[str, Any] | None = None,
        *,
        parameters: Mapping[str, str] | None = None,
        held_s: float = 0.0,
    ) -> Mapping[str, Any]:
        """Return the answer to one request. Raise OSError, Refused or Unavailable."""
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        body = None if said is None else json.dumps(said).encode()
        request = Request(
            method, API + path, parameters=parameters or {}, headers=headers, body=body, held_s=held_s
        )
        return self.ask(request).body


def local_part(username: str) -> str:
    """Return a name as the part of a Matrix id that stands for the user.

    That may have few characters, not begin with `_`, and not be a number.
    """
    return "u" + re.sub(r"[^a-z0-9_.-]", _escaped, username)


def username_of(user_id: str) -> str:
    """Return the name of a user by the whole Matrix id."""
    return unquote(user_id.removeprefix("@u").partition(":")[0].replace("=", "%"))


def _escaped(character: re.Match[str]) -> str:
    return "".join(f"={byte:02x}" for byte in character[0].encode())


def _alias_name(owner: str) -> str:
    return f"mailbox_{local_part(owner)}"


def _only(room: str) -> Mapping[str, Any]:
    """Return a filter for the messages of one room."""
    timeline = {"types": [MESSAGE], "limit": LONGEST_PAGE}
    rooms = {
        "rooms": [room],
        "timeline": timeline,
        "state": NOTHING,
        "ephemeral": NOTHING,
        "account_data": NOTHING,
    }
    return {"room": rooms, "presence": NOTHING, "account_data": NOTHING}


def _message(event: Mapping[str, Any], mailbox: str) -> Message:
    return Message(
        id=event["event_id"],
        sender=username_of(event["sender"]),
        recipient=mailbox,
        content=event["content"]["body"],
        client_message_id=event["content"]["sender_id"],
    )
