"""A bare question to a store over a new socket: no driver, no pool, no retry, no sign-in.

A store that answers at all, even "sign in first", is there. This proves faults and shows readiness.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import bson

Address = tuple[str, int]

OP_MSG = 2013
HEADER_BYTES = 16


@dataclass(frozen=True)
class Sighting:
    """What a probe saw: refused, silent (no answer in time), closed (connected, then cut), answered."""

    saw: str
    ms: float
    answer: bytes = b""


def redis_ping() -> bytes:
    """Return PING as an inline command, the oldest form, which every Redis understands."""
    return b"PING\r\n"


def mongodb_command(command: Mapping[str, Any]) -> bytes:
    """Return one command as an OP_MSG of the wire protocol (https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/)."""
    body = struct.pack("<IB", 0, 0) + bson.encode(command)
    return struct.pack("<iiii", HEADER_BYTES + len(body), 1, 0, OP_MSG) + body


QUESTIONS: Mapping[str, bytes] = {
    "redis": redis_ping(),
    "mongodb": mongodb_command({"ping": 1, "$db": "admin"}),
    "client": b"GET / HTTP/1.0\r\nHost: probe\r\n\r\n",  # on a client's way to the server
}


ANY_QUESTION = bytes.fromhex("0000000804d2162f") + b"\r\n\r\n"
"""What makes most servers say something: PostgreSQL takes it for a request for TLS, others for a mistake."""
ANY_QUESTIONS = (ANY_QUESTION, redis_ping())
"""What an unknown store is asked by turns until it answers: a Redis says nothing to the first."""


def look(address: Address, question: bytes, *, timeout_s: float = 0.3) -> Sighting:
    """Ask once over a new connection; `timeout_s` bounds the connecting and the answering together."""
    start = time.monotonic()
    answer = b""
    try:
        with socket.create_connection(address, timeout=timeout_s) as connection:
            connection.sendall(question)
            connection.settimeout(max(0.001, start + timeout_s - time.monotonic()))
            answer = connection.recv(65_536)
        saw = "answered" if answer else "closed"
    except TimeoutError:
        saw = "silent"
    except ConnectionRefusedError:
        saw = "refused"
    except OSError:
        saw = "closed"
    return Sighting(saw, round((time.monotonic() - start) * 1000, 1), answer)


def ask_mongodb(address: Address, command: Mapping[str, Any], *, timeout_s: float = 5.0) -> dict[str, Any]:
    """Run one command on `admin` over a new connection and return the answer, whatever its `ok`.

    Raise OSError when there is none.
    """
    with socket.create_connection(address, timeout=timeout_s) as connection:
        connection.sendall(mongodb_command({**command, "$db": "admin"}))
        stream = connection.makefile("rb")
        header = stream.read(HEADER_BYTES)
        if len(header) < HEADER_BYTES:
            raise ConnectionResetError(f"{address[0]}:{address[1]} closed the connection")
        (length,) = struct.unpack_from("<i", header)
        return dict(bson.decode(stream.read(length - HEADER_BYTES)[5:]))
