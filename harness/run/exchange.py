"""Single sends and polls: what an answer says, as fields of the history's events."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from types import NoneType
from typing import Any

from harness.client import Answer, Body, Client
from harness.client.variety.variety import Manner
from harness.history import Outcome, Recorder


def special(words: Sequence[str]) -> dict[str, list[str]]:
    """Return what is special about an operation as a field of its event; no field if nothing is."""
    return {"special": list(words)} if words else {}


def poll_fields(answer: Answer) -> tuple[dict[str, Any], str | None]:
    """Return what a poll's answer says, and an error; a malformed 200 has an unknown outcome."""
    fields: dict[str, Any] = {"outcome": answer.outcome, "status": answer.status}
    if answer.outcome is not Outcome.OK:
        return fields, answer.error or answer.body.get("detail")
    try:
        return fields | _page(answer), None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        return fields | {"outcome": Outcome.UNKNOWN}, f"malformed answer: {error!r}"


def _page(answer: Answer) -> dict[str, Any]:
    body = answer.body
    messages = [
        {
            "id": _typed(message["id"], "id", str, int),
            "seq": _typed(message.get("seq"), "seq", int, str, NoneType),
            "sender": _typed(message["from"], "from", str),
            "recipient": _typed(message["to"], "to", str),
            "content": _typed(message["message"], "message", str),
            "timestamp": _typed(message["timestamp"], "timestamp", str),
            "client_message_id": _typed(
                message.get("client_message_id"), "client_message_id", str, int, NoneType
            ),
        }
        for message in body["messages"]
    ]
    rest = {key: body.get(key) for key in ("has_more", "gap", "source", "degraded")}
    cursor = _typed(body["next_since"], "next_since", str, NoneType)
    (cursor or "").encode()  # raises for a lone surrogate: the cursor goes into a URL
    return {"messages": messages, "next_since": cursor, **rest}


def _typed(value: Any, name: str, *types: type) -> Any:
    """Return the value. Raise TypeError unless it is of one of these types: a server may send anything."""
    if not isinstance(value, types):
        raise TypeError(f"{name} is of the type {type(value).__name__}")
    return value


def read_ack(answer: Answer) -> Answer:
    """Return the answer to a send; a malformed 200 becomes an answer with an error."""
    if answer.outcome is not Outcome.OK:
        return answer
    said = answer.body
    try:
        _typed(said.get("id"), "id", str, int, NoneType)
        _typed(said.get("seq"), "seq", int, str, NoneType)
        _typed(said.get("timestamp"), "timestamp", str, NoneType)
    except TypeError as error:
        return replace(answer, body=Body(), error=f"malformed answer: {error!r}")
    return answer


def send(
    client: Client,
    recorder: Recorder,
    *,
    recipient: str,
    manner: Manner,
    intended_ns: int | None = None,
) -> Answer:
    """Send one message; record it before it leaves and when it is answered."""
    op = recorder.next_op()
    now = time.monotonic_ns()
    recorder.record(
        "send",
        t=now,
        op=op,
        sender=client.username,
        recipient=recipient,
        content=manner.content,
        client_message_id=manner.client_message_id,
        intended=now if intended_ns is None else intended_ns,
        **special(manner.special),
    )
    answer = read_ack(client.send(recipient, manner))
    body = answer.body
    recorder.record(
        "sent",
        t=answer.end_ns,
        op=op,
        outcome=answer.outcome,
        status=answer.status,
        error=answer.error or body.get("detail"),
        stated_outcome=body.get("outcome"),
        **{key: body.get(key) for key in ("id", "seq", "timestamp", "queued", "replayed")},
    )
    return answer
