"""What the contract says about an answer; anything else is a Malformed, whose text Locust shows and counts.

The harness's own code reads the answers. Each kind of problem has one text without values, by which Locust
groups.
"""

from __future__ import annotations

from typing import Any

from harness.client import Answer, Malformed, fits_into_a_header
from harness.run.exchange import poll_fields, read_ack


def require(answer: Answer, status: int) -> Answer:
    """Return the answer. Raise Malformed unless it has this status and is a JSON object."""
    if answer.status is None:
        raise Malformed(f"no answer: {answer.error}")
    if answer.status != status:
        raise Malformed(f"answered {answer.status}, not {status}")
    if answer.error is not None:
        raise Malformed(answer.error)
    return answer


def token_of(answer: Answer) -> str:
    """Return a sign-in's token. Raise Malformed where there is none that a header can carry."""
    token = require(answer, 200).body.get("token")
    if not fits_into_a_header(token):
        raise Malformed("the token is not a string for a header")
    return token


def check_ack(answer: Answer, content: str, client_message_id: str) -> None:
    """Raise Malformed unless this acknowledges the sending of this message."""
    ack = read_ack(require(answer, 200))
    if ack.error is not None:
        raise Malformed(ack.error)
    for name in ("id", "timestamp"):
        if ack.body.get(name) is None:
            raise Malformed(f"the ack has no '{name}'")
    for name, sent in (("message", content), ("client_message_id", client_message_id)):
        if ack.body.get(name, sent) != sent:
            raise Malformed(f"the ack's '{name}' is not what was sent")


def page_of(answer: Answer) -> dict[str, Any]:
    """Return a poll's answer in the history's terms. Raise Malformed where it is not a page of messages."""
    fields, error = poll_fields(require(answer, 200))
    if error is not None:
        raise Malformed(error)
    if not isinstance(fields["has_more"], bool):
        raise Malformed("has_more is not a boolean")
    if fields["has_more"] and not fields["messages"]:
        raise Malformed("has_more is true on an empty page")
    if answer.body.get("count", len(fields["messages"])) != len(fields["messages"]):
        raise Malformed("count is not the number of messages")
    return fields
