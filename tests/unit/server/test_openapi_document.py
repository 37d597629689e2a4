"""The OpenAPI document names what the app serves, and nothing else."""

from __future__ import annotations

import re

import pytest

from reference_server.config import Config
from reference_server.openapi import document
from tests.unit.server.http_app import SECRET, Http

DOCUMENT = document(Config.from_env({"SECRET_KEY": SECRET}))
PAGES = "pages."
"""Pages for people are not part of the API."""

CONTRACT = {
    ("POST", "/api/users/register"): {201, 400, 408, 409, 413, 429, 503},
    ("POST", "/api/users/login"): {200, 400, 401, 408, 413, 429, 503},
    ("POST", "/api/users/messages"): {200, 400, 401, 403, 404, 408, 413, 429, 503},
    ("GET", "/api/users/messages/poll/{username}"): {200, 400, 401, 403, 404, 503},
    ("GET", "/api/users/messages/conversation/{other}"): {200, 400, 401, 404, 503},
    ("GET", "/api/users/messages/conversations"): {200, 400, 401, 503},
}


def test_every_route_is_described_and_every_description_has_a_route(http: Http) -> None:
    routes = {
        (method, re.sub(r"<[^>]+>", "{}", rule.rule))
        for rule in http.client.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not rule.endpoint.startswith(PAGES)
    }
    described = {
        (method.upper(), re.sub(r"{\w+}", "{}", path))
        for path, node in DOCUMENT["paths"].items()
        for method in node
    }
    assert routes == described


@pytest.mark.parametrize(("call", "statuses"), CONTRACT.items())
def test_a_call_of_the_contract_answers_what_it_may(call: tuple[str, str], statuses: set[int]) -> None:
    method, path = call
    assert set(map(int, DOCUMENT["paths"][path][method.lower()]["responses"])) == statuses


def test_what_needs_a_token_says_so() -> None:
    secured = {
        path for path, node in DOCUMENT["paths"].items() for call in node.values() if "security" in call
    }
    assert secured == {path for _, path in CONTRACT if path.startswith("/api/users/messages")}


def test_limits_are_those_of_the_settings() -> None:
    config = Config.from_env({"SECRET_KEY": SECRET, "MESSAGE_LIMIT": "77"})
    body = document(config)["paths"]["/api/users/messages"]["post"]["requestBody"]["content"]
    assert {media["schema"]["properties"]["content"]["maxLength"] for media in body.values()} == {77}


def test_it_is_served(http: Http) -> None:
    response = http.get("/openapi.json")
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert set(response.get_json()["paths"]) == set(DOCUMENT["paths"])
