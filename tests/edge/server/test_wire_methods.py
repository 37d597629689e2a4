"""Every method on every path: what is not meant for it says so, and nothing is ever the server's fault."""

from __future__ import annotations

import pytest

from reference_server.config import Config
from reference_server.openapi import document
from tests.edge.server.process import SECRET, Chat
from tests.edge.server.wire import LIVE, Reply, Wire, problem, request

PATHS = document(Config.from_env({"SECRET_KEY": SECRET}))["paths"]
"""A unit test compares them with the app's routes."""
METHODS = (
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "QUERY",
    "PROPFIND",
    "BREW",
)
NOWHERE = (
    "/nowhere",
    "/api",
    "/api/users",
    "/api/users/messages/",
    "/api/users/messages/poll",
    "/health//live",
)


def allowed(path: str) -> set[str]:
    named = {method.upper() for method in PATHS[path]}
    return named | {"OPTIONS"} | ({"HEAD"} if "GET" in named else set())


def ask(chat: Chat, method: str, path: str, *headers: str) -> Reply:
    """The answer to a request of alice's, without a body."""
    path = path.replace("{username}", chat.alice.username).replace("{other}", chat.bob.username)
    token = f"Authorization: Bearer {chat.alice.token}"
    with Wire(chat.base_url) as wire:
        wire.send(request(f"{method} {path}", token, *headers) + request(LIVE))
        reply = wire.reply(to_head=method == "HEAD")
        if method != "CONNECT":  # after which everything would be the tunnel's
            assert wire.reply().json() == {"status": "ok"}
        return reply


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", PATHS)
def test_a_method_is_the_paths_own_or_refused_with_those_that_are(chat: Chat, method: str, path: str) -> None:
    reply = ask(chat, method, path)
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-request-id"]
    if method not in allowed(path):
        assert reply.status == 405
        assert {*reply.headers["allow"].split(", ")} == allowed(path)
        assert method == "HEAD" or problem(reply, 405, "method_not_allowed")
    else:
        expected = 400 if method == "POST" else 200  # a body is missing, and nothing else
        assert reply.status == expected, reply


@pytest.mark.parametrize("path", [path for path in PATHS if "get" in PATHS[path]])
def test_head_is_answered_as_get_without_the_body(chat: Chat, path: str) -> None:
    head, get = ask(chat, "HEAD", path), ask(chat, "GET", path)
    assert (head.status, head.body) == (get.status, b"")
    changing = {"date", "x-request-id", "content-length"}  # the time in a poll is not always as long
    assert {*head.headers.items()} ^ {*get.headers.items()} <= {
        (name, headers.headers[name]) for headers in (head, get) for name in changing
    }


@pytest.mark.parametrize("path", PATHS)
def test_options_names_the_methods_and_does_nothing(chat: Chat, path: str) -> None:
    before = chat.read_all()
    reply = ask(chat, "OPTIONS", path, "Origin: https://elsewhere.example")
    assert {*reply.headers["allow"].split(", ")} == allowed(path)
    assert reply.body == b""
    assert not [name for name in reply.headers if name.startswith("access-control-")]
    assert chat.read_all() == before


@pytest.mark.parametrize("path", NOWHERE)
def test_no_method_finds_a_path_that_is_not_there(chat: Chat, path: str) -> None:
    for method in METHODS:
        reply = ask(chat, method, path)
        assert reply.status == 404, method
        assert method == "HEAD" or problem(reply, 404, "not_found")


@pytest.mark.parametrize("override", ["X-HTTP-Method-Override: POST", "X-Method-Override: POST"])
def test_no_header_makes_another_method_of_it(chat: Chat, override: str) -> None:
    assert ask(chat, "GET", "/api/users/messages", override).status == 405
