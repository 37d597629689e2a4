"""Requests and answers as JSON Schema. Lengths of strings are in Unicode characters."""

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
    "description": "An id chosen by the sender. It makes it safe to send the message again.",
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
    """Return the schema of an object with these properties, required unless optional."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def nullable(schema: Schema) -> Schema:
    """Return the same schema, with null allowed."""
    return schema | {"type": [schema["type"], "null"]}


def a(kind: str, description: str = "", **more: Any) -> Schema:
    """Return the schema of a simple value."""
    return {"type": kind} | ({"description": description} if description else {}) | more


def send(config: Config, *, form: bool) -> Schema:
    """Return the schema of the body of a send. A form has no null."""
    content = a(
        "string",
        "Any text with a character that is not white space.",
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
        "reason": a("string", "Why a store that answers cannot be used with its present configuration."),
    },
    optional=("reason",),
)
_MESSAGE = record(
    {
        "id": a("string"),
        "seq": a("integer", "The position in the mailbox: 1, 2, 3 and so on, without gaps.", minimum=1),
        "from": a("string"),
        "to": a("string"),
        "message": a("string"),
        "timestamp": TIMESTAMP,
        "client_message_id": a("string") | {"type": ["string", "null"]},
    }
)
_MESSAGES = {"type": "array", "items": {"$ref": "#/components/schemas/Message"}}
_LAST = {"anyOf": [{"$ref": "#/components/schemas/Message"}, {"type": "null"}]}

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
            "queued": a("boolean", "False: the message is stored safely, but not yet pushed to the queue."),
            "replayed": a(
                "boolean", "True: an earlier request with this client_message_id stored the message."
            ),
        }
    ),
    "Message": _MESSAGE,
    "Poll": record(
        {
            "messages": _MESSAGES | {"description": "Oldest first."},
            "count": a("integer", minimum=0, maximum=PAGE_SIZE.stop - 1),
            "has_more": a("boolean"),
            "next_since": a(
                "string", "The next poll's `since`. Without new messages it is this poll's `since`."
            )
            | {"type": ["string", "null"]},
            "gap": a("boolean", "True: retention dropped messages before the first one of this page."),
            "source": a("string", enum=["redis", "mongodb"]),
            "degraded": a("boolean", "True: Redis could not be used."),
            "poll_after_ms": a(
                "integer", "The time from the start of this poll to the start of the next one.", minimum=1
            ),
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
    "Conversations": record(
        {
            "conversations": {
                "type": "array",
                "items": record({"with": a("string"), "last_sent": _LAST, "last_received": _LAST}),
                "description": "That with the newest message first.",
            },
            "count": a("integer", minimum=0, maximum=PAGE_SIZE.stop - 1),
            "has_more": a("boolean"),
            "success": a("boolean"),
        }
    ),
    "Alive": record({"status": a("string", enum=["ok"])}),
    "Ready": record(
        {
            "status": a("string", enum=["ok", "degraded", "down"]),
            "stores": record({"redis": _STORE, "mongodb": _STORE}),
            "owed": a("integer", "Mailboxes in the outbox, whose queue still waits for a push.", minimum=0),
        }
    ),
    "Problem": record(
        {
            "type": a("string"),
            "status": a("integer", minimum=400, maximum=599),
            "title": a("string"),
            "detail": a("string", "Which field was wrong, and what would be right."),
            "code": a("string", "A stable code for programs.", pattern=r"^[a-z_]+$"),
            "request_id": a("string", "The request's id, which is also in the server's log."),
            "outcome": a(
                "string", "Whether a failed send may have stored the message.", enum=["not_stored", "unknown"]
            ),
        },
        optional=("outcome",),
    )
    | {"description": "RFC 9457."},
}
