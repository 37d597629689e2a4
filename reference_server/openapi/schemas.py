"""What goes in and comes out, as JSON Schema. Texts are counted in characters of Unicode."""

from __future__ import annotations

from typing import Any

from reference_server.config import Config
from reference_server.contract import (
    CLIENT_MESSAGE_ID_LENGTH,
    DEFAULT_PAGE_SIZE,
    PAGE_SIZE,
    PASSWORD_LENGTH,
    USERNAME_LENGTH,
)
from reference_server.timestamps import LEGAL

Schema = dict[str, Any]


def _length(legal: range) -> Schema:
    return {"minLength": legal.start, "maxLength": legal.stop - 1}


USERNAME: Schema = {
    "type": "string",
    **_length(USERNAME_LENGTH),
    "pattern": r"^[\w.@+-]+$",
    "description": "Letters and digits of any script and _ . @ + - in Unicode's composed form (NFC).",
    "example": "alice",
}
PASSWORD: Schema = {
    "type": "string",
    **_length(PASSWORD_LENGTH),
    "example": "correct horse battery staple",
}
CLIENT_MESSAGE_ID: Schema = {
    "type": "string",
    **_length(CLIENT_MESSAGE_ID_LENGTH),
    "description": "The sender's own id of the message, which makes it safe to send it again.",
}
TIMESTAMP: Schema = {
    "type": "string",
    "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$",
    "example": "2026-01-01T12:00:00.123456Z",
}
CURSOR: Schema = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})$",
    "description": f"Must be {LEGAL}. Exclusive.",
    "example": "2026-01-01T12:00:00.123456Z",
}
LIMIT: Schema = {
    "type": "integer",
    "minimum": PAGE_SIZE.start,
    "maximum": PAGE_SIZE.stop - 1,
    "default": DEFAULT_PAGE_SIZE,
}


def record(properties: dict[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    """An object with these properties, required unless they are optional."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    return schema | {"type": [schema["type"], "null"]}


def a(kind: str, description: str = "", **more: Any) -> Schema:
    """A plain value."""
    return {"type": kind} | ({"description": description} if description else {}) | more


def send(config: Config, *, form: bool) -> Schema:
    """The body of a send; a form has no null."""
    content = a(
        "string",
        "Any text that is not only white space.",
        maxLength=config.message_limit,
        minLength=1,
        pattern=r"\S",
    )
    optional = {"client_message_id": CLIENT_MESSAGE_ID, "from_username": USERNAME}
    if not form:
        optional = {name: nullable(schema) for name, schema in optional.items()}
    fields = {"to_username": USERNAME | {"example": "bob"}, "content": content | {"example": "hi"}}
    return record(fields | optional, optional=tuple(optional))


_STORE = record(
    {
        "status": a("string", enum=["up", "down"]),
        "breaker": a("string", enum=["open", "closed"]),
        "reason": a("string", "Why a store that answers cannot be used as it is set up."),
    },
    optional=("reason",),
)
_MESSAGE = record(
    {
        "id": a("string"),
        "seq": a("integer", "Counts from 1 in its mailbox, without holes.", minimum=1),
        "from": a("string"),
        "to": a("string"),
        "message": a("string"),
        "timestamp": TIMESTAMP,
        "client_message_id": a("string") | {"type": ["string", "null"]},
    }
)
_MESSAGES = {"type": "array", "items": {"$ref": "#/components/schemas/Message"}}

SCHEMAS: dict[str, Schema] = {
    "Credentials": record({"username": USERNAME, "password": PASSWORD}),
    "User": record({"username": a("string")}),
    "Session": record({"token": a("string"), "username": a("string"), "expires_at": TIMESTAMP}),
    "Sent": record(
        {
            "message": a("string"),
            "id": a("string"),
            "seq": a("integer", minimum=1),
            "timestamp": TIMESTAMP,
            "client_message_id": a("string") | {"type": ["string", "null"]},
            "queued": a("boolean", "False: stored safely, and its push to the queue is still owed."),
            "replayed": a("boolean", "True: an earlier request with this client_message_id had stored it."),
        }
    ),
    "Message": _MESSAGE,
    "Poll": record(
        {
            "messages": _MESSAGES | {"description": "Oldest first."},
            "count": a("integer", minimum=0, maximum=PAGE_SIZE.stop - 1),
            "has_more": a("boolean"),
            "next_since": a("string", "The next poll's `since`: what this poll had if nothing is new.")
            | {"type": ["string", "null"]},
            "gap": a("boolean", "True: retention dropped messages before the first of these."),
            "source": a("string", enum=["redis", "mongodb"]),
            "degraded": a("boolean", "True: Redis could not be used."),
            "poll_after_ms": a("integer", "From the start of this poll to the start of the next.", minimum=1),
            "timestamp": TIMESTAMP,
            "success": a("boolean"),
        }
    ),
    "Conversation": record(
        {
            "messages": _MESSAGES | {"description": "Newest first."},
            "count": a("integer", minimum=0, maximum=101),
            "has_more": a("boolean"),
            "next_before": TIMESTAMP | {"type": ["string", "null"]},
            "success": a("boolean"),
        }
    ),
    "Alive": record({"status": a("string", enum=["ok"])}),
    "Ready": record(
        {
            "status": a("string", enum=["ok", "degraded", "down"]),
            "stores": record({"redis": _STORE, "mongodb": _STORE}),
            "owed": a("integer", "Mailboxes whose queue is owed a push.", minimum=0),
        }
    ),
    "Problem": record(
        {
            "type": a("string"),
            "status": a("integer", minimum=400, maximum=599),
            "title": a("string"),
            "detail": a("string", "What was wrong with which field, and what would be right."),
            "code": a("string", "For programs; it does not change.", pattern=r"^[a-z_]+$"),
            "request_id": a("string", "Also in the server's log."),
            "outcome": a(
                "string", "Of a send that failed: what became of it.", enum=["not_stored", "unknown"]
            ),
        },
        optional=("outcome",),
    )
    | {"description": "RFC 9457."},
}
