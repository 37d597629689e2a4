"""A path is there or it is not, however its spelling may look to a proxy in front or to a file system."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.stack.target_process import Target
from tests.edge.server.process import Chat
from tests.edge.server.wire import JSON, Reply, ask, request

ENDPOINTS = (
    "GET /health/live",
    "GET /health/ready",
    "GET /metrics",
    "GET /openapi.json",
    "POST /api/users/register",
    "POST /api/users/login",
    "POST /api/users/messages",
    "GET /api/users/messages/poll/{bob}",
    "GET /api/users/messages/conversation/{alice}",
    "GET /api/users/messages/conversations",
)


def at_the_last_slash(put: str) -> Callable[[str], str]:
    def spell(path: str) -> str:
        before, _, last = path.rpartition("/")
        return f"{before}{put}{last}"

    return spell


SPELLINGS: dict[str, Callable[[str], str]] = {
    "a second slash at the start": lambda path: f"/{path}",
    "three slashes at the start": lambda path: f"//{path}",
    "a second slash within": at_the_last_slash("//"),
    "a slash at the end": lambda path: f"{path}/",
    "a dot segment": at_the_last_slash("/./"),
    "a dot segment at the start": lambda path: f"/.{path}",
    "there and back": lambda path: f"/x/..{path}",
    "there and back, escaped": lambda path: f"/x/%2e%2e{path}",
    "an escaped slash": at_the_last_slash("%2f"),
    "an escaped slash in capitals": at_the_last_slash("%2F"),
    "an escaped slash at the start": lambda path: f"/%2f{path[1:]}",
    "an escaped slash at the end": lambda path: f"{path}%2f",
    "a slash escaped twice": at_the_last_slash("%252f"),
    "a backslash": at_the_last_slash("\\"),
    "parameters": lambda path: f"{path};a=b",
    "parameters within": at_the_last_slash(";a=b/"),
    "capitals": lambda path: path.upper(),
    "NUL": lambda path: f"{path}%00",
    "NUL and more": lambda path: f"{path}%00.json",
    "a space": lambda path: f"{path}%20",
    "a line's end": lambda path: f"{path}%0a",
    "not UTF-8": lambda path: f"{path}%ff",
    "a half of an escape": lambda path: f"{path}%2",
    "an absolute target with a second slash": lambda path: f"http://chat/{path}",
    "an absolute target with an escaped slash": lambda path: f"http://chat{at_the_last_slash('%2f')(path)}",
}


def asked(server: Target, chat: Chat, method: str, path: str) -> Reply:
    body = b"{}" if method == "POST" else b""
    token = f"Authorization: Bearer {chat.bob.token}"
    return ask(server.base_url, request(f"{method} {path}", token, JSON, body=body))[0]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_no_other_spelling_is_an_endpoint(server: Target, chat: Chat, endpoint: str) -> None:
    """404; or 400 where it is a user's name that is misspelled, or the path begins without a slash."""
    method, path = endpoint.format(bob=chat.bob.username, alice=chat.alice.username).split(" ")
    assert asked(server, chat, method, path).status in (200, 400)
    assert asked(server, chat, method, f"http://chat{path}").status in (200, 400)
    assert asked(server, chat, method, f"{path}?a=%2f//").status in (200, 400)
    answered = {name: asked(server, chat, method, spell(path)) for name, spell in SPELLINGS.items()}
    assert {name: reply.status for name, reply in answered.items() if reply.status not in (400, 404)} == {}
    assert {reply.headers["content-type"] for reply in answered.values()} == {"application/problem+json"}
