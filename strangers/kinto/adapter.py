"""Kinto: a mailbox is a collection of records, and a poll asks for those modified `_since` the last one read.

A record is created with an id that is made of its sender and the sender's own id, so that creating it again
returns the one that exists.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

from harness.adapters import Ack, Answer, Message, NotStored, Page, Refused, Site
from harness.adapters.http import Request
from strangers.asking import Asking
from strangers.envelope import envelope, opened

BUCKET = "/v1/buckets/mailboxes"
LONGEST_PAGE = 100
CONFLICT = 409
EXISTS = 412


class Kinto(Asking):
    """One user, known by name and password."""

    signs_in = False

    def __init__(self, site: Site, username: str, password: str) -> None:
        super().__init__(site, username, password)
        known_by = base64.b64encode(f"{username}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {known_by}", "Content-Type": "application/json"}

    def register(self) -> None:
        """Create this user's collection."""
        for path in (BUCKET, _collection(self.username)):
            said = {"permissions": {"write": ["system.Everyone"]}}
            self._call("PUT", path, said, headers={"If-None-Match": "*"}, ok=(201, EXISTS))

    def sign_in(self) -> None:
        """Each request shows who asks."""

    def send(self, recipient: str, content: str, client_message_id: str | None) -> Ack:
        """Create one record; where it exists, nothing changes."""
        said = envelope(self.username, recipient, content, client_message_id)
        record = {**said, "id": _hashed(self.username, client_message_id or secrets.token_hex(16))}
        path = f"{_collection(recipient)}/records"
        try:
            answer = self._call("POST", path, {"data": record}, ok=(200, 201))
        except Refused as refused:
            if refused.status == CONFLICT:  # "Integrity constraint violated, please retry."
                raise NotStored(str(refused.why)) from refused
            raise
        return Ack(
            id=answer.body["data"]["id"],
            seq=answer.body["data"]["last_modified"],
            replayed=answer.status == 200,
        )

    def poll(self, since: str | None, limit: int | None, wait_s: float) -> Page:
        """Return the records that were modified after the last one read."""
        del wait_s  # no request of this API is held open
        asked = {"_sort": "last_modified", "_limit": str(limit or LONGEST_PAGE)}
        asked |= {} if since is None else {"_since": since}
        answer = self._call("GET", f"{_collection(self.username)}/records", parameters=asked)
        records = answer.body["data"]
        last = str(records[-1]["last_modified"]) if records else answer.headers["ETag"].strip('"')
        has_more = "Next-Page" in answer.headers
        return Page(messages=[_message(one) for one in records], next_since=last, has_more=has_more)

    def _call(
        self,
        method: str,
        path: str,
        said: Mapping[str, Any] | None = None,
        *,
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        ok: tuple[int, ...] = (200,),
    ) -> Answer:
        """Return the answer to one request. Raise OSError, Refused or Unavailable."""
        body = None if said is None else json.dumps(said).encode()
        all_headers = {**self._headers, **(headers or {})}
        return self.ask(
            Request(method, path, parameters=parameters or {}, headers=all_headers, body=body), ok=ok
        )


def _collection(username: str) -> str:
    return f"{BUCKET}/collections/{_hashed(username)}"


def _hashed(*parts: str) -> str:
    """Return an id, which may hold only some characters."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _message(record: Mapping[str, Any]) -> Message:
    return opened(record, id=record["id"], seq=record["last_modified"])
