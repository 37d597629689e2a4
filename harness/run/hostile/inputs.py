"""What an attacker sends: texts, names, bodies and parameters."""

from __future__ import annotations

from harness.adapters.wire import Wire

TEXTS = (
    "line\r\nSet-Cookie: a=b\r\n\r\n<html>",
    "nothing \x00 behind it",
    "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n",
    '{"$gt": ""}',
    '", "from": "alice", "x": "',
    "<script>alert(document.cookie)</script><img src=x onerror=alert(1)>",
    "'; DROP TABLE messages; --",
    "${jndi:ldap://127.0.0.1/a} {{7*7}} %s %n {0} $(id) `id`",
    "2026-01-01T12:00:00Z INFO [-] Message sent from 'alice' to 'bob'\n",
    "turned \u202e round \u2066 and \u2028 broken \u0085 up \ufeff",
    "e\u0301 is not \u00e9, and \ufb01 is not fi",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f1e6\U0001f1f9 \U0010ffff",
    "\x1b[2J\x1b[31m\x07",
    "\\u0041 \\x41 \\n %41 &lt; &#65;",
)
"""Legal contents that mean something to a protocol, a store, a log, a terminal or a browser."""

Parameters = dict[str, str]
POLL_PARAMETERS: tuple[Parameters, ...] = (
    *({"limit": value} for value in ("0", "101", "-1", "ten", "1e1", "9" * 30, "1;2", "\x00")),
    *({"since": value} for value in ("yesterday", "2026-13-01T00:00:00Z", "2026-01-01", "0", '{"$gt": ""}')),
    *({"wait": value} for value in ("-1", "26", "nan", "inf", "soon")),
)
"""Parameters that the contract does not allow."""

CONTENT_TYPES = ("text/plain", "application/xml", "", "application/json; charset=nonsense", "nonsense")
"""Content types of a body that is neither JSON nor a form."""


def names(victim: str) -> list[str]:
    """Return names with special characters, patterns or too many characters; some look like `victim`."""
    return [
        *(
            "a b c",
            " abc",
            "abc ",
            "a:b",
            "messages:abc",
            "head:abc",
            "a*c",
            "a?c",
            "[abc]",
            "{abc}",
            "$where",
        ),
        *("a/b", "../abc", "..", "a%00b", "a\\b", 'a"b', "<script>", "", "x" * 65, "x" * 1000),
        *("abc\n", "a\r\nX: y", "abc\x00", "a\tb", "\x1b[31m", "a\u2028b", "a\u202eb", "\u200babc"),
        *(f"{victim}\x00", f"{victim}\n", f" {victim}", f"{victim}:1", f"messages:{victim}"),
    ]


def malformed_bodies(victim: str, wire: Wire) -> dict[str, bytes]:
    """Return bodies that are not a JSON object of strings for a send, a sign-in or a registration."""
    recipient, content = wire.send.recipient, wire.send.content
    to = f'"{recipient}": "{victim}"'
    fields = (recipient, content, wire.register.username, wire.register.password)
    texts = {
        "nothing": "",
        "a blank": " ",
        "half an object": f'{{"{recipient}": "b',
        "words": f"{recipient}=bob",
        "a number": "1",
        "null": "null",
        "a list": f'[{{{to}, "{content}": "hi"}}]',
        "an empty object": "{}",
        "nested lists": "[" * 100_000,
        "nested objects": '{"a":' * 40_000,
        "a huge number": f'{{{to}, "{content}": {"9" * 10_000}}}',
        "XML": "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    }
    for value in ('{"$gt": ""}', '{"$ne": null}', "1", '["a"]', "true"):
        texts[f"{value} for every text"] = "{" + ", ".join(f'"{name}": {value}' for name in fields) + "}"
    no_unicode = b"{" + b", ".join(b'"%s": "\xff\xc3\x28"' % name.encode() for name in fields) + b"}"
    half_a_pair = "{" + ", ".join(f'"{name}": "half \\ud800"' for name in fields) + "}"
    bodies = {what: text.encode() for what, text in texts.items()}
    return bodies | {"no Unicode": no_unicode, "half a character": half_a_pair.encode()}


def oversized_bodies(victim: str, wire: Wire) -> dict[str, bytes]:
    """Return sends that are too large, as messages or as bodies."""

    def message(size: int) -> bytes:
        return f'{{"{wire.send.recipient}": "{victim}", "{wire.send.content}": "{"x" * size}"}}'.encode()

    return {
        "one character too many": message(1001),
        "ten thousand characters": message(10_000),
        "a million characters": message(1_000_000),
        "a million blanks": message(1) + b" " * 1_000_000,
    }


SPELLINGS_OF_IPV4 = (
    "203.0.113.7",
    "203.0.113.7:50001",
    "203.0.113.7:50002",
    "[203.0.113.7]:50003",
    "::ffff:203.0.113.7",
    "[::ffff:203.0.113.7]:50004",
    "::ffff:cb00:7107",
    '"203.0.113.7:50005"',
    " 203.0.113.7 ",
    "198.51.100.1, 203.0.113.7",
    "198.51.100.2, 203.0.113.7:50006",
    '"198.51.100.3, 203.0.113.7',
)
"""One address as proxies append it to what a client sent, which must not hide it."""
SPELLINGS_OF_IPV6 = (
    "2001:db8::7",
    "[2001:db8::7]",
    "[2001:db8::7]:50001",
    "[2001:db8::7]:50002",
    '"[2001:db8::7]:50003"',
    "2001:DB8:0:0::0007",
    "2001:db8::7%eth0",
)
"""The same for another address."""
