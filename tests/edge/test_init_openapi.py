"""Profiles made from OpenAPI documents of the strange servers: `try` finds that they fit."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.cli.authoring import init
from tests.edge.strange_server import serving
from tests.edge.test_init import options, problems

DOCUMENT = """
openapi: 3.0.3
info: { title: A chat, version: "1" }
servers: [{ url: URL }]
paths:
  /: { get: { summary: Ready, responses: { 200: { description: Yes } } } }
  /api/users/register:
    post:
      operationId: createUser
      requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/Credentials" } } } }
      responses: { "201": { description: Created }, "409": { description: Taken } }
  /api/users/login:
    post:
      requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/Credentials" } } } }
      responses:
        "200":
          description: Signed in
          content: { application/json: { schema: { properties: { token: { type: string } } } } }
  /api/users/messages:
    post:
      requestBody:
        content:
          application/json:
            schema:
              allOf:
                - { type: object, properties: { to_username: { type: string } } }
                - properties: { content: { type: string }, client_message_id: { type: [string, "null"] } }
      responses:
        "200":
          description: Sent
          content: { application/json: { schema: { $ref: "#/components/schemas/Message" } } }
  /api/users/messages/poll/{name}:
    parameters: [{ name: name, in: path, required: true, schema: { type: string } }]
    get:
      parameters:
        - { name: since, in: query, schema: { type: string, format: date-time } }
        - { name: limit, in: query, schema: { type: integer, default: 50 } }
      responses:
        "200":
          description: A page
          content: { application/json: { schema: { $ref: "#/components/schemas/Page" } } }
components:
  securitySchemes: { token: { type: http, scheme: bearer } }
  schemas:
    Credentials: { properties: { username: { type: string }, password: { type: string } } }
    Message:
      type: object
      properties:
        id: { type: string }
        from: { type: string }
        to: { type: string }
        message: { type: string }
        timestamp: { type: string, format: date-time }
        seq: { type: integer }
        client_message_id: { type: string, nullable: true }
        reply_to: { $ref: "#/components/schemas/Message" }
    Page:
      properties:
        messages: { type: array, items: { $ref: "#/components/schemas/Message" } }
        next_since: { type: string, format: date-time }
        has_more: { type: boolean }
"""
Change = Callable[[dict[str, Any]], None]


def token(document: dict[str, Any]) -> None:
    answer = document["paths"]["/api/users/login"]["post"]["responses"]["200"]["content"]["application/json"]
    answer["schema"] = {"properties": {"access_token": {"type": "string"}, "token_type": {"const": "bearer"}}}


def bare_list(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    schemas["Page"] = {"type": "array", "items": {"$ref": "#/components/schemas/Message"}}


def forms(document: dict[str, Any]) -> None:
    for path in ("register", "login", "messages"):
        content = document["paths"][f"/api/users/{path}"]["post"]["requestBody"]["content"]
        content["application/x-www-form-urlencoded"] = content.pop("application/json")


def basic(document: dict[str, Any]) -> None:
    document["servers"][0]["url"] += "/{version}"
    document["servers"][0]["variables"] = {"version": {"default": "v2"}}
    document["components"]["securitySchemes"] = {"basic": {"type": "http", "scheme": "basic"}}
    del document["paths"]["/api/users/login"], document["paths"]["/"]


def cookie(document: dict[str, Any]) -> None:
    scheme = {"type": "apiKey", "in": "cookie", "name": "session"}
    document["components"]["securitySchemes"] = {"cookie": scheme}
    del document["paths"]["/api/users/login"]["post"]["responses"]["200"]["content"]


def epochs(document: dict[str, Any]) -> None:
    stamp = {"type": "integer", "example": 1_700_000_000_000}
    schemas = document["components"]["schemas"]
    schemas["Message"]["properties"]["timestamp"] = stamp
    schemas["Page"]["properties"]["next_since"] = stamp


def statuses(document: dict[str, Any]) -> None:
    answers = document["paths"]["/api/users/messages"]["post"]["responses"]
    answers["201"] = answers.pop("200")


@pytest.mark.parametrize("write", [json.dumps, yaml.safe_dump], ids=["json", "yaml"])
@pytest.mark.parametrize(
    ("variation", "change"),
    [
        ("", lambda document: None),
        ("access_token", token),
        ("bare_list", bare_list),
        ("form_bodies", forms),
        ("prefix_basic", basic),
        ("cookie", cookie),
        ("epoch_ms", epochs),
        ("send_201", statuses),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_profile_made_from_a_document_fits_the_server(
    variation: str, change: Change, write: Callable[[object], str], tmp_path: Path
) -> None:
    with serving(variation) as url:
        document = copy.deepcopy(yaml.safe_load(DOCUMENT.replace("URL", url)))
        change(document)
        path = tmp_path / "openapi.yaml"
        path.write_text(write(document), encoding="utf-8")
        made = tmp_path / "made.toml"
        assert init(options(made, openapi=path)) == 0
        assert problems(made, url) == []
