"""Single operations, recorded: what an answer says, in the history's words."""

from __future__ import annotations

import time
from typing import Any

from harness.client import Answer, Client
from harness.history import Outcome, Recorder


def poll_fields(answer: Answer) -> tuple[dict[str, Any], str | None]:
    """What a poll's answer says, in the history's words; a malformed 200 is not an answer."""
    fields: dict[str, Any] = {"outcome": answer.outcome, "status": answer.status}
    if answer.outcome is not Outcome.OK:
        return fields, answer.error or answer.body.get("detail")
    try:
        return fields | _page(answer), None
    except (KeyError, TypeError, AttributeError) as error:
        return fields | {"outcome": Outcome.UNKNOWN}, f"malformed answer: {error!r}"


def _page(answer: Answer) -> dict[str, Any]:
    body = answer.body
    messages = [
        {
            "id": message["id"],
            "seq": message.get("seq"),
            "sender": message["from"],
            "recipient": message["to"],
            "content": message["message"],
            "timestamp": message["timestamp"],
            "client_message_id": message.get("client_message_id"),
        }
        for message in body["messages"]
    ]
    rest = {key: body.get(key) for key in ("has_more", "gap", "source", "degraded")}
    return {"messages": messages, "next_since": body["next_since"], **rest}


def send(
    client: Client,
    recorder: Recorder,
    *,
    recipient: str,
    content: str,
    client_message_id: str | None,
    intended_ns: int | None = None,
) -> Answer:
    """Send one message and record it before it leaves and when it is answered."""
    op = recorder.next_op()
    now = time.monotonic_ns()
    recorder.record(
        "send",
        t=now,
        op=op,
        sender=client.username,
        recipient=recipient,
        content=content,
        client_message_id=client_message_id,
        intended=now if intended_ns is None else intended_ns,
    )
    answer = client.send(recipient, content, client_message_id)
    body = answer.body
    recorder.record(
        "sent",
        t=answer.end_ns,
        op=op,
        outcome=answer.outcome,
        status=answer.status,
        error=answer.error or body.get("detail"),
        said=body.get("outcome"),
        **{key: body.get(key) for key in ("id", "seq", "timestamp", "queued", "replayed")},
    )
    return answer
