"""Strategies for requests as bytes: usual ones, of which up to two parts are odd."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from reference_server.auth import Tokens
from tests.unit.server.http_app import MESSAGES, SECRET

TOKENS = {name: Tokens(SECRET, lifetime_s=86_400).issue(name).token for name in ("alice", "bob", "nobody")}
SINCE = "2026-01-01T12:00:00.000000Z"
HI = {"to_username": "bob", "content": "hi"}


def written(method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace") + body


def sent(fields: Mapping[str, Any] | bytes, *, target: str = MESSAGES, **headers: str) -> list[bytes]:
    """A plain send but for these headers, in one piece."""
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    usual = {
        "Host": "chat:5000",
        "Authorization": f"Bearer {TOKENS['alice']}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return [written("POST", target, usual | given, body)]


texts = st.text(max_size=8) | st.sampled_from(["", " ", "\ud800", "x" * 101, "🧪", "\0", "e\u0301" * 3])
names = st.sampled_from(["bob", "alice", "Bob", "no-one", "x" * 300]) | texts
numbers = st.integers() | st.floats() | st.sampled_from([10**400, -0.0])
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
legal = st.fixed_dictionaries(
    {"to_username": st.sampled_from(["bob", "alice"]), "content": st.text(min_size=1, max_size=3)},
    optional={"client_message_id": st.sampled_from(["one", "two"]), "from_username": st.just("alice")},
)
illegal = st.fixed_dictionaries(
    {},
    optional={
        "to_username": names | values,
        "content": texts | values,
        "client_message_id": st.sampled_from(["one", "i" * 65]) | texts | values,
        "from_username": names | values,
        "more": values,
    },
)


@st.composite
def json_texts(draw: st.DrawFn, objects: st.SearchStrategy[dict[str, Any]]) -> bytes:
    """Objects as JSON, now and then with a name twice."""
    pairs = list(draw(objects).items())
    pairs += draw(st.lists(st.sampled_from(pairs), max_size=1)) if pairs and objects is illegal else []
    ascii_only, comma = draw(st.booleans()), draw(st.sampled_from([", ", ",", ",\n"]))
    members = (f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=ascii_only)}" for name, value in pairs)
    return ("{" + comma.join(members) + "}").encode("utf-8", "surrogatepass")


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    text = draw(json_texts(legal))
    place = draw(st.integers(0, len(text)))
    return text[:place] + draw(st.binary(max_size=2)) + text[place + draw(st.integers(0, 3)) :]


no_json = st.sampled_from(
    [
        b"",
        b"\xef\xbb\xbf{}",
        b'{"to_username": "bob", "content": "hi"} x',
        b"{" * 5000,
        b"[" * 50_000,
        b'{"to_username": "bob", "content": NaN}',
        b'{"to_username": "bob", "content": "hi", "x": -Infinity}',
        b'{"to_username": "bob", "content": "\\ud83e"}',
        b'{"to_username": "bob", "content": "\xed\xa0\x80"}',
        b"to_username=bob&content=hi",
        b'{"to_username": "bob", "content": "hi", "x": ' + b"9" * 5000 + b"}",
        b" " * 100_000 + b"{}",
    ]
)

USUAL: Mapping[str, st.SearchStrategy[Any]] = {
    "Host": st.sampled_from(["chat", "chat:5000", "127.0.0.1:80", "[::1]:5000"]),
    "Authorization": st.sampled_from(["alice", "bob"]).map(lambda name: f"Bearer {TOKENS[name]}"),
    "Content-Type": st.sampled_from(["application/json", "application/json; charset=utf-8"]),
    "method and target": st.one_of(
        st.just(("POST", MESSAGES)),
        st.tuples(
            st.just("GET"),
            st.builds(
                f"{MESSAGES}/poll/{{}}{{}}".format,
                st.sampled_from(["alice", "bob"]),
                st.sampled_from(
                    [
                        "",
                        f"?since={SINCE}",
                        "?limit=2",
                        f"?since={SINCE}&limit=9&wait=25".replace(":", "%3A"),
                        "?wait=1",
                    ]
                ),
            ),
        ),
    ),
    "body": json_texts(legal),
    "length": st.just(None),
    "other headers": st.just({}),
    "end": st.just(None),
}
ODD: Mapping[str, st.SearchStrategy[Any]] = {
    "Host": st.sampled_from([None, "a..b", ".a", "a.", "a" * 64, "", "a b", "ä", "x:99999", "[::"]),
    "Authorization": st.sampled_from(
        [
            None,
            "Bearer",
            "Bearer x.y.z",
            "Basic YTpi",
            f"Bearer {TOKENS['bob']}x",
            f"bearer  {TOKENS['alice']} ",
            f"Bearer {TOKENS['nobody']}",
        ]
    ),
    "Content-Type": st.sampled_from(
        [
            None,
            "",
            "text/plain",
            "APPLICATION/JSON",
            "application/json;charset=latin-1",
            "application/x+json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json, text/plain",
        ]
    ),
    "method and target": st.tuples(
        st.sampled_from(["POST", "GET", "HEAD", "PUT", "OPTIONS", "post"]),
        st.builds(
            str.__add__,
            st.sampled_from(
                [
                    MESSAGES,
                    f"{MESSAGES}/",
                    f"/{MESSAGES}",
                    f"http://chat{MESSAGES}",
                    "/api/users/%6dessages",
                    "*",
                    *(f"{MESSAGES}/poll/{name}" for name in ("bob", "alice", "b%6fb", "al", "älice")),
                ]
            ),
            st.sampled_from(
                [
                    "",
                    "?",
                    "?wait=26",
                    "?wait=2.5",
                    "?limit=0",
                    "?limit=1&limit=2",
                    "?x=%ff",
                    "?limit=\u0661",
                    "?&",
                ]
            )
            | st.text("?&=%2a~#/\\ since:limt0123456789Z-", max_size=12).map("?{}".format),
        ),
    ),
    "body": st.one_of(
        json_texts(illegal),
        damaged(),
        no_json,
        st.binary(max_size=20),
        values.map(json.dumps).map(str.encode),
    ),
    "length": st.sampled_from(["chunked", "+9", "09", "1e1", "9", "0", "-1", "99999", "999999", ""]),
    "other headers": st.dictionaries(
        st.sampled_from(
            [
                "Expect",
                "Upgrade",
                "Connection",
                "Transfer-Encoding",
                "Content-Encoding",
                "Script-Name",
                "Cookie",
                "X-Forwarded-For",
                "X-Forwarded-Proto",
                "X-Request-Id",
                "X-HTTP-Method-Override",
            ]
        ),
        st.sampled_from(
            [
                "100-continue",
                "websocket",
                "upgrade",
                "close",
                "9.9.9.9, ::1",
                "gzip",
                "mine",
                "DELETE",
                "/api",
            ]
        ),
        min_size=1,
        max_size=3,
    ),
    "end": st.integers(1, 200),
}


@st.composite
def requests(draw: st.DrawFn) -> list[bytes]:
    """A request of which at most two parts are odd, in the pieces in which it arrives."""
    odd = draw(st.sets(st.sampled_from(list(USUAL)), max_size=2))
    drawn = {part: draw((ODD if part in odd else USUAL)[part]) for part in USUAL}
    headers = {
        name: drawn[name] for name in ("Host", "Authorization", "Content-Type") if drawn[name] is not None
    }
    (method, target), body = drawn["method and target"], drawn["body"]
    if drawn["length"] == "chunked":
        headers["Transfer-Encoding"] = "chunked"
        body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (body, b""))
    elif method != "GET":
        headers["Content-Length"] = str(len(body)) if drawn["length"] is None else drawn["length"]
    data = written(method, target, headers | drawn["other headers"], b"" if method == "GET" else body)
    if drawn["end"]:  # the client hangs up
        data = data[: -drawn["end"]]
    cut = sorted(draw(st.lists(st.integers(0, len(data)), max_size=2)))
    return [data[begin:end] for begin, end in zip([0, *cut], [*cut, None], strict=True)]
