"""The server does what its OpenAPI document says: asked everything that is legal, and much that is not."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from schemathesis.specs.openapi.checks import negative_data_rejection

from harness.client import Client
from harness.stack import Services
from harness.stack.target_process import Target
from reference_server.config import Config
from reference_server.openapi import document
from tests.edge.server.process import SECRET, target

DOCUMENT = document(Config.from_env({"SECRET_KEY": SECRET}))
SCHEMA = schemathesis.openapi.from_dict(
    DOCUMENT,
    config=schemathesis.Config.from_dict(
        {
            "seed": 1,  # the same requests in every run: this test has no bad luck
            "generation": {"max-examples": 25, "deterministic": True, "no-shrink": True},
        }
    ),
)


@pytest.fixture(scope="module")
def server(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server that lets everybody fail as often as this test does."""
    plenty = {"SIGN_IN_FAILURES_PER_ACCOUNT": "1000000", "SIGN_IN_FAILURES_PER_ADDRESS": "1000000"}
    server = target(services, tmp_path_factory.mktemp("openapi"), **plenty)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def token(server: Target) -> str:
    """A token of the document's example user, whose example partner exists, too."""
    password = DOCUMENT["components"]["schemas"]["Credentials"]["properties"]["password"]["example"]
    alice, bob = (Client(server.base_url, name, password) for name in ("alice", "bob"))
    for user in (alice, bob):
        with contextlib.closing(user):
            assert user.register().status == 201
    assert alice.sign_in().status == 200
    assert alice.token is not None
    return alice.token


@SCHEMA.parametrize()
def test_the_server_does_what_the_document_says(
    case: schemathesis.Case[Any], server: Target, token: str
) -> None:
    _be_brief(case)
    headers = {"Authorization": f"Bearer {token}"}
    excluded = [negative_data_rejection] if _differs_by_unknown_parameters(case) else []
    case.call_and_validate(base_url=server.base_url, headers=headers, excluded_checks=excluded)


def test_the_document_is_the_one_that_is_served(server: Target) -> None:
    with contextlib.closing(Client(server.base_url, "anybody", "")) as client:
        assert client.call("GET", "/openapi.json").body == DOCUMENT


def _differs_by_unknown_parameters(case: schemathesis.Case[Any]) -> bool:
    """Whether all that is illegal is a parameter that the server does not know: it ignores those."""
    declared = DOCUMENT["paths"][case.path].get(case.method.lower(), {}).get("parameters", ())
    given = set(case.query or ())
    return bool(given) and not case.path_parameters and not given & {one["name"] for one in declared}


def _be_brief(case: schemathesis.Case[Any]) -> None:
    """Wait for milliseconds instead of seconds; give every message an id that no other one has."""
    with contextlib.suppress(KeyError, TypeError, ValueError):
        if 0 <= (wait_s := float(case.query["wait"])) <= 25:
            case.query["wait"] = wait_s / 1000
    body = case.body
    given = body.get("client_message_id") if isinstance(body, dict) else None
    if isinstance(body, dict) and isinstance(given, str) and 1 <= len(given) <= 64:
        body["client_message_id"] = uuid.uuid4().hex
