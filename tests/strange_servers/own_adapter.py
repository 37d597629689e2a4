"""An adapter as a user writes one: a class that speaks to a server with what Python has."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote, urlencode

from harness.adapters import Ack, Adapter, Message, NotStored, Page, Refused, Session, Unavailable

API = "/api/users"


class OwnAdapter(Adapter):
    """Speaks to `server.py`."""

    token = ""

    def register(self) -> None:
        self.ask("POST", "/register", {"username": self.username, "password": self.password})

    def sign_in(self) -> Session:
        said = self.ask("POST", "/login", {"username": self.username, "password": self.password})
        self.token = said["token"]
        return Session(self.token)

    def send(self, recipient: str, content: str, client_message_id: str | None) -> Ack:
        message = {"to_username": recipient, "content": content, "client_message_id": client_message_id}
        said = self.ask("POST", "/messages", message)
        return Ack(said["id"], said["seq"], said["timestamp"], replayed=said["replayed"])

    def poll(self, since: str | None, limit: int | None, wait_s: float) -> Page:
        asked = {"since": since, "limit": limit}
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        said = self.ask("GET", f"/messages/poll/{quote(self.username, safe='')}?{query}")
        return Page([read(each) for each in said["messages"]], said["next_since"], said["has_more"])

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        url = self.site.urls[0] + API + path
        try:
            request = urllib.request.Request(url, data, headers, method=method)
            with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            said = json.load(error)
            if error.code < 500:
                raise Refused(said.get("detail", ""), status=error.code) from error
            raise (NotStored if said.get("outcome") == "not_stored" else Unavailable)(str(said)) from error


def read(message: dict[str, Any]) -> Message:
    named = {"sender": "from", "recipient": "to", "content": "message"}
    same = ("id", "timestamp", "seq", "client_message_id")
    return Message(
        **{key: message[name] for key, name in named.items()}, **{key: message[key] for key in same}
    )
