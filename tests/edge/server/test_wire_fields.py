"""Fields and parameters that are missing, come twice, or are written as something else than they are."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.edge.server.paths import API
from tests.edge.server.process import Chat
from tests.edge.server.wire import FORM, JSON, ask, problem, request

Stored = Callable[[], list[str]]
SEND_FIELDS = ("to_username", "content", "client_message_id", "from_username")
PARAMETERS = {"since": "2026-01-01T00:00:00Z", "limit": "5", "wait": "0", "before": "2026-01-01T00:00:00Z"}


def refusal(chat: Chat, path: str, *headers: str, body: bytes | None = None) -> str:
    """The sentence with which a request of alice's is answered 400."""
    token = f"Authorization: Bearer {chat.alice.token}"
    line = f"{'GET' if body is None else 'POST'} {API}{path}"
    reply, _ = ask(chat.base_url, request(line, token, *headers, body=body))
    return problem(reply, 400, reply.json()["code"])


def fields_of(chat: Chat) -> dict[str, str]:
    values = (chat.bob.username, "hi", "an id", chat.alice.username)
    return dict(zip(SEND_FIELDS, values, strict=True))


def as_form(pairs: list[tuple[str, str]]) -> bytes:
    return "&".join(f"{name}={quote(value)}" for name, value in pairs).encode()


def as_json(pairs: list[tuple[str, str]]) -> bytes:
    """An object with each name as often as it is there, which Python's own cannot be."""
    return (
        "{" + ", ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in pairs) + "}"
    ).encode()


kinds = pytest.mark.parametrize(("kind", "written"), [(JSON, as_json), (FORM, as_form)])
Written = Callable[[list[tuple[str, str]]], bytes]


class TestTwice:
    @kinds
    @pytest.mark.parametrize("name", SEND_FIELDS)
    def test_a_field_is_refused_by_name_even_if_both_say_the_same(
        self, chat: Chat, stored: Stored, kind: str, written: Written, name: str
    ) -> None:
        fields = fields_of(chat)
        for value in (fields[name], "another"):
            body = written([*fields.items(), (name, value)])
            said = refusal(chat, "/messages", kind, body=body)
            assert said == f"{name} was sent 2 times; send it once."
        assert stored() == []

    @pytest.mark.parametrize("path", ["/register", "/login"])
    @pytest.mark.parametrize("name", ["username", "password"])
    def test_nobody_is_registered_or_signed_in_by_one_of_two_names(
        self, chat: Chat, path: str, name: str
    ) -> None:
        pairs = [("username", chat.alice.username), ("password", "long enough"), (name, "somebody else")]
        assert refusal(chat, path, JSON, body=as_json(pairs)).startswith(f"{name} was sent 2 times")

    @pytest.mark.parametrize("name", PARAMETERS)
    @pytest.mark.parametrize("spelling", ["{name}", "%{first:02x}{rest}"])
    def test_a_parameter_is_refused_by_name_however_it_is_spelled(
        self, chat: Chat, name: str, spelling: str
    ) -> None:
        path, other = f"/messages/poll/{chat.alice.username}", f"/messages/conversation/{chat.bob.username}"
        again = spelling.format(name=name, first=ord(name[0]), rest=name[1:])
        query = f"?{name}={PARAMETERS[name]}&{again}={PARAMETERS[name]}"
        said = refusal(chat, (other if name == "before" else path) + query)
        assert said == f"{name} was sent 2 times; send it once."


class TestMissing:
    @kinds
    @pytest.mark.parametrize("name", ["to_username", "content"])
    def test_a_field_is_asked_for_by_name(
        self, chat: Chat, stored: Stored, kind: str, written: Written, name: str
    ) -> None:
        pairs = [(field, value) for field, value in fields_of(chat).items() if field != name]
        assert refusal(chat, "/messages", kind, body=written(pairs)) == f"{name} is missing."
        assert stored() == []

    @pytest.mark.parametrize("path", ["/register", "/login"])
    def test_half_of_the_credentials_is_asked_for_by_name(self, chat: Chat, path: str) -> None:
        assert refusal(chat, path, JSON, body=b'{"password": "long enough"}') == "username is missing."
        assert refusal(chat, path, JSON, body=b'{"username": "anybody"}') == "password is missing."


class TestNotWhatItSays:
    @pytest.mark.parametrize(
        "header",
        [
            "Content-Type: text/plain",
            "Content-Type: application/xml",
            "Content-Type: application/jsonp",
            "Content-Type: json",
            "Content-Type:",
            "X-Content-Type: application/json",
        ],
    )
    def test_json_under_another_type_is_refused(self, chat: Chat, stored: Stored, header: str) -> None:
        body = as_json([*fields_of(chat).items()])
        assert "application/json" in refusal(chat, "/messages", header, body=body)
        assert stored() == []

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig", "latin-1", "utf-7"])
    def test_json_in_another_encoding_is_refused_also_if_it_says_so(
        self, chat: Chat, stored: Stored, encoding: str
    ) -> None:
        text = json.dumps({"to_username": chat.bob.username, "content": "ä+"}, ensure_ascii=False)
        body = b"\x2b\x2f\x76\x38" + text.encode() if encoding == "utf-7" else text.encode(encoding)
        for header in (JSON, f"{JSON}; charset={encoding}"):
            assert "UTF-8" in refusal(chat, "/messages", header, body=body)
        assert stored() == []

    @pytest.mark.parametrize("content", ["%ff", "%c3", "%ed%a0%80", "%c0%80", "\xff"])
    def test_a_form_that_is_no_unicode_is_refused_rather_than_mended(
        self, chat: Chat, stored: Stored, content: str
    ) -> None:
        body = f"to_username={chat.bob.username}&content={content}".encode("latin-1")
        for header in (FORM, f"{FORM}; charset=latin-1"):
            assert "UTF-8" in refusal(chat, "/messages", header, body=body)
        assert stored() == []

    @pytest.mark.parametrize(
        "extra", ["NaN", "Infinity", "-Infinity", "[" * 50_000, '{"a":' * 30_000, "01", "'a'"]
    )
    def test_what_json_does_not_know_is_refused_anywhere_in_it(
        self, chat: Chat, stored: Stored, extra: str
    ) -> None:
        body = as_json([*fields_of(chat).items()])[:-1] + f', "extra": {extra}}}'.encode()
        assert "not valid JSON" in refusal(chat, "/messages", JSON, body=body)
        assert stored() == []

    @pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"text"', b"true", b"[{}]"])
    def test_json_that_is_no_object_is_refused(self, chat: Chat, body: bytes) -> None:
        for path in ("/messages", "/register", "/login"):
            assert refusal(chat, path, JSON, body=body) == "The body must be a JSON object."

    def test_compressed_it_is_not_read(self, chat: Chat, stored: Stored) -> None:
        body = gzip.compress(as_json([*fields_of(chat).items()]))
        assert "not valid JSON" in refusal(chat, "/messages", JSON, "Content-Encoding: gzip", body=body)
        assert stored() == []
