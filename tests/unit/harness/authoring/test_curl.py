"""Requests as command lines: a shell takes them apart into the same words, and secrets are variables."""

from __future__ import annotations

import shlex

import pytest

from harness.adapters.http import Request
from harness.authoring.curl import curl
from harness.authoring.masks import Masks

URL = "http://127.0.0.1:8000/"


def test_a_get_has_its_query_and_headers() -> None:
    request = Request("GET", "/poll/ann", {"since": "a b&c"}, {"X-Key": "it's"})
    assert curl(request, URL, Masks()) == (
        """curl 'http://127.0.0.1:8000/poll/ann?since=a%20b%26c' -H 'X-Key: it'"'"'s'"""
    )


@pytest.mark.parametrize(
    ("method", "body", "words"),
    [
        ("POST", b'{"a": "it\'s $HOME `x`"}', ["--data-raw", '{"a": "it\'s $HOME `x`"}']),
        ("POST", b"@file", ["--data-raw", "@file"]),
        ("PUT", b"a=1", ["-X", "PUT"]),
        ("DELETE", None, ["-X", "DELETE"]),
        ("POST", None, ["-X", "POST"]),
        ("GET", b"{}", ["-X", "GET"]),
        ("POST", b"\xff", ["--data-raw", "\\xff"]),
        ("POST", b"", ["--data-raw", ""]),
    ],
)
def test_a_shell_takes_it_apart_into_the_same_words(
    method: str, body: bytes | None, words: list[str]
) -> None:
    found = shlex.split(curl(Request(method, "/x", body=body), URL, Masks()))
    at = found.index(words[0])
    assert found[at : at + 2] == words
    assert "http://127.0.0.1:8000/x" in found


def test_secrets_are_variables_that_the_shell_fills_in() -> None:
    masks = Masks()
    masks.add("s3cret", "BOB_TOKEN")
    masks.add("s3cret and more", "BOB PASSWORD")
    masks.add("", "nothing")
    masks.add(None, "nothing")
    request = Request("POST", "/s3cret", {}, {"Authorization": "Bearer s3cret"}, b"s3cret and more")
    assert curl(request, URL, masks) == (
        """curl http://127.0.0.1:8000/"$BOB_TOKEN" -H 'Authorization: Bearer '"$BOB_TOKEN\""""
        """ --data-raw "$BOB_PASSWORD\""""
    )
    assert masks.text("a s3cret and more, s3cret") == "a ***, ***"


@pytest.mark.parametrize("spelled", ['p\\"\\u00e4 s', 'p\\"ä s', "p%22%C3%A4%20s", "p%22%C3%A4+s"])
def test_a_secret_that_is_escaped_is_hidden_too(spelled: str) -> None:
    masks = Masks()
    masks.add('p"ä s', "PASSWORD")
    assert masks.text(f"a {spelled} b") == "a *** b"
    assert shlex.split(masks.word(f"a {spelled} b")) == ["a *** b"]
    assert masks.word('a p"ä s') == """'a '"$PASSWORD\""""


def test_a_name_and_a_password_are_those_of_u() -> None:
    request = Request("GET", "/", {}, {"Authorization": "Basic YW5uOnMzY3JldA=="})
    masks = Masks()
    masks.add("s3cret", "ANN_PASSWORD")
    assert curl(request, URL, masks).endswith("""-u ann:"$ANN_PASSWORD\"""")
