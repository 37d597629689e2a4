"""A connection on which the head of an answer is sent together with its body.

gunicorn sends them one after the other: two system calls, and the client is woken twice for each answer.
"""

from __future__ import annotations

import socket
from typing import Any

_HEAD = (b"HTTP/1.1 ", b"HTTP/1.0 ")
_CONTINUE = b"HTTP/1.1 100 "


class OneWrite:
    """A socket for one answer. `flush` sends a head that has no body; other methods are the socket's."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._head = b""

    def sendall(self, data: bytes) -> None:
        """Send the data, after the head if that was not sent yet; keep a head for the next call."""
        if not self._head and data.startswith(_HEAD) and not data.startswith(_CONTINUE):
            self._head = data
        else:
            head, self._head = self._head, b""
            self._client.sendall(head + data)

    def flush(self) -> None:
        """Send the head if it was not sent yet."""
        if self._head:
            self.sendall(b"")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)
