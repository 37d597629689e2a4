"""The worst that a client can put into each field of each endpoint, at the largest legal body or head.

"Worst" is what takes the most work a byte: marks that are composed in a time that grows with the square of
their number, numbers of a hundred thousand digits, brackets that are never closed, separators without
anything between them, pieces of a byte.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from reference_server.config import MAX_BODY_BYTES
from tests.edge.server.paths import API
from tests.edge.server.process import Chat
from tests.edge.server.wire import CHUNKED, FORM, JSON, chunked, request

LONGEST_LINE = 4000
LONGEST_HEADER = 8000
PARTS = "Content-Type: multipart/form-data; boundary=b"
REGISTER, LOGIN, SEND = f"POST {API}/register", f"POST {API}/login", f"POST {API}/messages"
POLL, CONVERSATION = f"GET {API}/messages/poll/{{username}}", f"GET {API}/messages/conversation/{{other}}"
CONVERSATIONS = f"GET {API}/messages/conversations"
MARKS = "a" + "\u0301" * 64_000 + "\u0316" * 64_000
TEXTS = {
    "marks": MARKS,
    "jamo": "\u1100\u1161\u11a8" * 29_000,
    "letters": "x" * 262_000,
    "spaces": " " * 262_000,
    "astral": "\U0001f389" * 65_000,
}


@dataclass(frozen=True)
class Worst:
    """One request. `field` is the name in the API's description, or a header's, or "body" or "head"."""

    call: str
    field: str
    kind: str
    data: bytes

    def __str__(self) -> str:
        return f"{self.call} {self.field} {self.kind}".replace(f"{API}/", "")


def worst_inputs(chat: Chat) -> Iterator[Worst]:
    token = f"Authorization: Bearer {chat.alice.token}"
    yield from _fields(chat, token)
    yield from _bodies(token)
    yield from _chunks(token)
    yield from _lines(chat, token)
    yield from _headers(chat, token)


def _fields(chat: Chat, token: str) -> Iterator[Worst]:
    sent = {"to_username": chat.bob.username, "content": "hi"}
    for kind, text in TEXTS.items():
        for name in ("username", "password"):
            fields = {"username": "nobody", "password": "a wrong one"} | {name: text}
            for call in (REGISTER, LOGIN):
                yield Worst(call, name, kind, request(call, JSON, body=_json(fields)))
        for name in ("to_username", "content", "client_message_id", "from_username"):
            body = _json(sent | {name: text})
            yield Worst(SEND, name, kind, request(SEND, token, JSON, body=body))
            pairs = (sent | {name: text}).items()
            form = "&".join(f"{key}={value}" for key, value in pairs).encode()[:MAX_BODY_BYTES]
            whole = form[: form.rindex(b"&")] if form[-1] & 0x80 else form
            yield Worst(SEND, name, f"{kind} in a form", request(SEND, token, FORM, body=whole))
            escaped = f"{name}=".encode() + b"%CC%81" * ((MAX_BODY_BYTES - 100) // 6)
            yield Worst(SEND, name, "escaped", request(SEND, token, FORM, body=escaped))


def _json(fields: dict[str, str]) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode()


def _bodies(token: str) -> Iterator[Worst]:
    nested = {
        "brackets": b"[",
        "objects": b'{"a":',
        "lists of lists": b"[1,",
        "strings without an end": b'{"a":"',
        "empty objects": b"{},",
        "empty names": b'"":0,',
        "spaces": b" ",
        "numbers": b"1e9,",
        "long numbers": b"1" * 4300 + b",",
        "escapes": b"\\u0301",
        "quotes": b'\\"',
    }
    for kind, unit in nested.items():
        opening = {"empty names": b"{", "escapes": b'{"username":"', "quotes": b'{"username":"'}.get(
            kind, b"["
        )
        body = (opening + unit * (MAX_BODY_BYTES // len(unit)))[:MAX_BODY_BYTES]
        yield Worst(REGISTER, "body", kind, request(REGISTER, JSON, body=body))
    for kind, number in {"integer": b"", "fraction": b"1.", "exponent": b"1e", "negative": b"-"}.items():
        body = b'{"a":' + number + b"1" * (MAX_BODY_BYTES - 10) + b"}"
        yield Worst(LOGIN, "body", kind, request(LOGIN, JSON, body=body))
    names = b"{" + b",".join(b'"%x":0' % number for number in range(25_000)) + b"}"
    yield Worst(LOGIN, "body", "names", request(LOGIN, JSON, body=names))
    for unit in (b"&", b"a&", b"=&", b"%", b"%41", b"+", b"a=%CC%81&"):
        body = (unit * (MAX_BODY_BYTES // len(unit)))[:MAX_BODY_BYTES]
        yield Worst(SEND, "body", f"form of {unit.decode()}", request(SEND, token, FORM, body=body))
    yield from _parts(token)


def _parts(token: str) -> Iterator[Worst]:
    begin = b'--b\r\nContent-Disposition: form-data; name="content"'
    units = {
        "parts": (b"", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'),
        "line ends": (begin + b"\r\n\r\n", b"\r\n"),
        "returns": (begin + b"\r\n\r\n", b"\r"),
        "almost boundaries": (begin + b"\r\n\r\n", b"\r\n--"),
        "preamble": (b"", b"\r\n-"),
        "headers": (b"--b\r\n", b"a: b\r\n"),
        "parameters": (begin, b"; a*0=b"),
        "quotes": (begin[:-1], b'\\"'),
        "separators": (begin, b';a="'),
        "spaces": (begin, b" "),
        "file": (begin + b'; filename="x"\r\n\r\n', b"\r\n"),
    }
    for kind, (first, unit) in units.items():
        end = b"\r\n\r\nx\r\n--b--\r\n"
        body = first + unit * ((MAX_BODY_BYTES - len(first) - len(end)) // len(unit)) + end
        yield Worst(SEND, "body", f"parts with {kind}", request(SEND, token, PARTS, body=body))


def _chunks(token: str) -> Iterator[Worst]:
    head = request(SEND, token, JSON, CHUNKED)
    extension = b"1;" + b"a=b;" * 2000 + b"a\r\n \r\n"
    streams = {
        "of a byte": chunked(*[b" "] * MAX_BODY_BYTES),
        "with extensions": extension * 1000,
        "with extensions of quotes": b'1;a="' + b'\\"' * 4000 + b"\r\n \r\n",
        "with extensions of spaces": b"1;" + b" \t" * 4000 + b"\r\n \r\n",
        "with zeros": b"0" * 8000 + b"1\r\n \r\n",
        "with trailers": b"2\r\n{}\r\n0\r\n" + b"a: b\r\n" * 40_000 + b"\r\n",
    }
    for kind, stream in streams.items():
        yield Worst(SEND, "body", f"chunks {kind}", head + stream)


def _lines(chat: Chat, token: str) -> Iterator[Worst]:
    own, other = (f"GET {API}/messages/{path}" for path in ("poll/", "conversation/"))
    marks = "a" + quote("\u0301") * 320 + quote("\u0316") * 320
    yield Worst(POLL, "username", "marks", request(own + marks, token))
    yield Worst(CONVERSATION, "other", "marks", request(other + marks, token))
    values = {
        "digits": "9" * LONGEST_LINE,
        "fraction": "1." + "1" * LONGEST_LINE,
        "offsets": quote(" 00:00") * 450,
        "almost a timestamp": "2026-01-01T12:00:00." + "1" * LONGEST_LINE,
        "marks": quote("\u0301") * 650,
    }
    for call, path, names in (
        (POLL, own + chat.alice.username, ("since", "limit", "wait")),
        (CONVERSATION, other + chat.bob.username, ("before", "limit")),
        (CONVERSATIONS, f"GET {API}/messages/conversations", ("limit",)),
    ):
        for name in names:
            for kind, value in values.items():
                line = f"{path}?{name}={value}"[:LONGEST_LINE]
                yield Worst(call, name, kind, request(line, token))
        for unit in ("&", "a&", "=&", "%", "+"):
            query = unit * ((LONGEST_LINE - len(path)) // len(unit))
            yield Worst(call, "query", f"of {unit}", request(f"{path}?{query}", token))
    for unit in ("/", "/a", "/..", "%2F", "%CC%81"):
        yield Worst("GET", "path", f"of {unit}", request("GET /" + unit * (LONGEST_LINE // len(unit))))
    yield Worst("GET", "method", "long", request("A" * LONGEST_LINE + " /"))


def _headers(chat: Chat, token: str) -> Iterator[Worst]:
    line = f"GET {API}/messages/poll/{chat.alice.username}"
    tokens = {
        "letters": "a" * LONGEST_HEADER,
        "dots": "." * LONGEST_HEADER,
        "spaces": " " * LONGEST_HEADER,
        "brackets": _encoded(b"[" * 5900),
        "objects": _encoded(b'{"a":' * 1180),
        "digits": _encoded(b'{"alg":"HS256","x":' + b"1" * 5800 + b"}"),
    }
    for kind, given in tokens.items():
        yield Worst(POLL, "Authorization", kind, request(line, f"Authorization: Bearer {given}"))
    values = {
        "letters": "a",
        "commas": ",",
        "quotes": '"\\',
        "colons": ":",
        "brackets": "[",
        "parameters": ';a="\\',
    }
    for name in ("X-Request-Id", "X-Forwarded-For", "Cookie", "Accept", "Accept-Language", "Range"):
        for kind, unit in values.items():
            value = unit * (LONGEST_HEADER // len(unit))
            yield Worst(POLL, name, kind, request(line, token, f"{name}: {value}"))
    for kind in ("application/json", "multipart/form-data; boundary=b", "application/x-www-form-urlencoded"):
        for unit in (";", ';a="\\', " ", "; a*0=b", "; charset=x"):
            value = kind + unit * ((LONGEST_HEADER - len(kind)) // len(unit))
            data = request(SEND, token, f"Content-Type: {value}", body=b"{}")
            yield Worst(SEND, "Content-Type", f"{kind} {unit}", data)
    for kind, length in {"zeros": "0" * LONGEST_HEADER + "2", "nines": "9" * 4000}.items():
        yield Worst(
            SEND, "Content-Length", kind, request(SEND, token, JSON, f"Content-Length: {length}") + b"{}"
        )
    many = [f"X-{number}: " + "a" * LONGEST_HEADER for number in range(90)]
    yield Worst(POLL, "head", "long headers", request(line, token, *many))
    yield Worst(POLL, "head", "one header again and again", request(line, token, *["X: " + "a" * 8000] * 90))
    yield Worst(POLL, "head", "short headers", request(line, token, *["a:b"] * 160_000))


def _encoded(header: bytes) -> str:
    """A token with this header."""
    return base64.urlsafe_b64encode(header).rstrip(b"=").decode() + ".e30.AAAA"
