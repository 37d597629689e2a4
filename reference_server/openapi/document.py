"""The endpoints and their answers."""

from __future__ import annotations

from typing import Any

from reference_server.config import Config
from reference_server.contract import LONGEST_WAIT_S
from reference_server.openapi import schemas
from reference_server.openapi.schemas import CURSOR, LIMIT, SCHEMAS, USERNAME, Schema, a

Node = dict[str, Any]

API_VERSION = "1.0.0"
_HEADERS: Node = {
    "X-Request-Id": {
        "description": "The request's own id, or a new one.",
        "required": True,
        "schema": a("string", minLength=1, maxLength=64),
    },
    "Cache-Control": {"required": True, "schema": a("string", enum=["no-store"])},
}
_RETRY_AFTER: Node = {
    "Retry-After": {"description": "Seconds.", "required": True, "schema": a("integer", minimum=1)}
}
_PROBLEMS = {
    400: "A field or a parameter is illegal.",
    401: "The token is missing or not valid. At sign-in: the username or the password is wrong.",
    403: "The signed-in user may not do this.",
    404: "The user is unknown.",
    408: "The body did not arrive in time.",
    409: "The username is taken.",
    413: "The body is too large.",
    429: "Too many failed sign-ins, registrations or messages of this user or from this address.",
    503: "A store that the request needs is not available, or too many users are signing in at once.",
}


def document(config: Config) -> Node:
    """Return the description of a server with these settings."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Polling chat",
            "version": API_VERSION,
            "description": "One-to-one chat by polling. No acked message is lost, doubled or reordered.",
        },
        "paths": _paths(config),
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "responses": {_problem_name(status): _problem(status) for status in _PROBLEMS},
        },
    }


def _paths(config: Config) -> Node:
    credentials = {"application/json": _ref("Credentials")}
    form = schemas.send(config, form=True)
    message = {
        "application/json": schemas.send(config, form=False),
        "application/x-www-form-urlencoded": form,
        "multipart/form-data": form,
    }
    wait = a("number", "Seconds to hold an empty poll open.", minimum=0, maximum=LONGEST_WAIT_S, default=0)
    poll = [_in_path("username"), _query("since", CURSOR), _query("limit", LIMIT), _query("wait", wait)]
    conversation = [_in_path("other"), _query("before", CURSOR), _query("limit", LIMIT)]
    return {
        "/api/users/register": {
            "post": _operation(
                "register",
                "Create a user",
                _json(201, "User"),
                *(400, 408, 409, 413, 429, 503),
                body=credentials,
            )
        },
        "/api/users/login": {
            "post": _operation(
                "login", "Sign in", _json(200, "Session"), 400, 401, 408, 413, 429, 503, body=credentials
            )
        },
        "/api/users/messages": {
            "post": _operation(
                "send",
                "Send one message",
                _json(200, "Sent"),
                *(400, 401, 403, 404, 408, 413, 429, 503),
                body=message,
                token=True,
            )
        },
        "/api/users/messages/poll/{username}": {
            "get": _operation(
                "poll",
                "Read new messages of the signed-in user's mailbox",
                _json(200, "Poll"),
                *(400, 401, 403, 404, 503),
                parameters=poll,
                token=True,
            )
        },
        "/api/users/messages/conversation/{other}": {
            "get": _operation(
                "conversation",
                "Read the messages between the signed-in user and another one, newest page first",
                _json(200, "Conversation"),
                *(400, 401, 404, 503),
                parameters=conversation,
                token=True,
            )
        },
        "/api/users/messages/conversations": {
            "get": _operation(
                "conversations",
                "The signed-in user's conversations, with the newest message each way",
                _json(200, "Conversations"),
                *(400, 401, 503),
                parameters=[_query("limit", LIMIT)],
                token=True,
            )
        },
        "/health/live": {
            "get": _operation("live", "Check whether this process is alive", _json(200, "Alive"))
        },
        "/health/ready": {
            "get": _operation("ready", "Check whether this process can serve requests", _readiness())
        },
        "/metrics": {
            "get": _operation(
                "metrics", "Read the Prometheus metrics of all workers", _other(200, "text/plain")
            )
        },
        "/openapi.json": {
            "get": _operation("openapi", "Read this description", _other(200, "application/json"))
        },
    }


def _operation(
    name: str,
    summary: str,
    answers: Node,
    *problems: int,
    body: dict[str, Schema] | None = None,
    parameters: list[Node] | None = None,
    token: bool = False,
) -> Node:
    refusals = {
        str(status): {"$ref": f"#/components/responses/{_problem_name(status)}"} for status in problems
    }
    operation: Node = {"operationId": name, "summary": summary, "responses": answers | refusals}
    if body is not None:
        content = {media_type: {"schema": schema} for media_type, schema in body.items()}
        operation["requestBody"] = {"required": True, "content": content}
    if parameters is not None:
        operation["parameters"] = parameters
    if token:
        operation["security"] = [{"token": []}]
    return operation


def _readiness() -> Node:
    """Return both answers. 503 has the same body as 200, because `down` is a result and not a problem."""
    down = _json(503, "Ready")
    down["503"]["headers"] = _HEADERS | _RETRY_AFTER
    return _json(200, "Ready") | down


def _json(status: int, schema: str) -> Node:
    content = {"application/json": {"schema": _ref(schema)}}
    return {str(status): {"description": schema, "headers": _HEADERS, "content": content}}


def _other(status: int, media_type: str) -> Node:
    return {str(status): {"description": media_type, "headers": _HEADERS, "content": {media_type: {}}}}


def _problem_name(status: int) -> str:
    return f"Problem{status}"


def _problem(status: int) -> Node:
    return {
        "description": _PROBLEMS[status],
        "headers": _HEADERS | (_RETRY_AFTER if status in (429, 503) else {}),
        "content": {"application/problem+json": {"schema": _ref("Problem")}},
    }


def _ref(schema: str) -> Schema:
    return {"$ref": f"#/components/schemas/{schema}"}


def _in_path(name: str) -> Node:
    return {"name": name, "in": "path", "required": True, "schema": USERNAME}


def _query(name: str, schema: Schema) -> Node:
    return {"name": name, "in": "query", "required": False, "schema": schema}
