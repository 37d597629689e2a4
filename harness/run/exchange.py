"""Single sends and polls: what an answer says, as fields of the history's events."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from harness.adapters.manners import Manner
from harness.client import Ack, Client, Page, Result
from harness.history import Outcome, Recorder


def special(words: Sequence[str]) -> dict[str, list[str]]:
    """Return what is special about an operation as a field of its event; no field if nothing is."""
    return {"special": list(words)} if words else {}


def unread(result: Result[Any]) -> dict[str, str]:
    """Return why an answer could not be read as a field of its event; no field if it could."""
    return {"unreadable": result.unreadable} if result.unreadable else {}


def poll_fields(result: Result[Page]) -> dict[str, Any]:
    """Return what a poll's answer says."""
    fields: dict[str, Any] = {"outcome": result.outcome, "status": result.status}
    if result.outcome is not Outcome.OK:
        return fields | unread(result)
    page = result.said
    rest = {key: getattr(page, key) for key in ("next_since", "has_more", "gap", "source", "degraded")}
    return fields | {"messages": [vars(message) for message in page.messages], **rest}


def send(
    client: Client,
    recorder: Recorder,
    *,
    recipient: str,
    manner: Manner,
    intended_ns: int | None = None,
) -> Result[Ack]:
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
    answer = client.send(recipient, manner)
    ack = answer.said
    recorder.record(
        "sent",
        t=answer.end_ns,
        op=op,
        outcome=answer.outcome,
        status=answer.status,
        error=answer.why,
        stated_outcome=ack.stated_outcome,
        **{key: getattr(ack, key) for key in ("id", "seq", "timestamp", "queued", "replayed")},
        **unread(answer),
    )
    return answer
