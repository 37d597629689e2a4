"""Send, poll, and read a conversation."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response

from reference_server import rate_limit
from reference_server.auth import Accounts, check_username
from reference_server.blueprints import requests as read
from reference_server.blueprints.answers import answer
from reference_server.contract import (
    CLIENT_MESSAGE_ID_LENGTH,
    DEFAULT_PAGE_SIZE,
    LONGEST_WAIT_S,
    PAGE_SIZE,
    spelled,
)
from reference_server.errors import Forbidden, InvalidRequest, Unavailable
from reference_server.held_polls import HeldPolls
from reference_server.message import to_wire
from reference_server.metrics import Metrics
from reference_server.service import Messenger
from reference_server.timestamps import as_written, format_timestamp

log = logging.getLogger(__name__)

POLL, WAITING_POLL, SEND = "messages.poll", "messages.poll (waiting)", "messages.send"
"""The endpoints' names in Flask, and in the metrics."""
US_PER_S = 1_000_000


@dataclass(frozen=True, slots=True)
class Sends:
    """Answers sends whose fields were read: those of Flask, and those of plain_sends.py."""

    messenger: Messenger
    limits: rate_limit.Sends
    metrics: Metrics
    message_limit: int

    def body(self, sender: str, address: str, fields: read.Fields) -> dict[str, Any]:
        """Return the body of an answer. Raise a Problem for fields that are not legal, and like `send`."""
        claimed_sender = read.optional_text(fields, "from_username")
        if claimed_sender is not None and check_username(claimed_sender, "from_username") != sender:
            raise Forbidden("from_username must be the signed-in user.")
        recipient = check_username(read.text(fields, "to_username"), "to_username")
        content = _content(read.text(fields, "content"), self.message_limit)
        client_message_id = _client_message_id(read.optional_text(fields, "client_message_id"))
        self.limits.add(sender, address)
        sent = self.messenger.send(sender, recipient, content, client_message_id)
        if not sent.replayed:
            self.metrics.sent(queued=sent.queued)
        wire = to_wire(sent.message)
        return {
            "message": wire.message,
            "id": wire.id,
            "seq": wire.seq,
            "timestamp": wire.timestamp,
            "client_message_id": wire.client_message_id,
            "queued": sent.queued,
            "replayed": sent.replayed,
        }


@dataclass(frozen=True, slots=True)
class Polls:
    """Answers polls that were read and allowed: those of Flask, and those of plain_polls.py."""

    messenger: Messenger
    metrics: Metrics
    held_polls: HeldPolls
    poll_interval_ms: int

    def body(
        self, mailbox: str, since_us: int | None, limit: int, since: str | None, wait_s: float = 0.0
    ) -> dict[str, Any]:
        """Return the body of an answer. `since` is the cursor as the client wrote it. Raise Unavailable."""
        with self.held_polls.hold(mailbox, wait_s) as may_wait_s:
            polled = self.messenger.poll(mailbox, since_us, limit, may_wait_s)
        messages = [to_wire(message) for message in polled.page.messages]
        now_us = time.time_ns() // 1000
        self.metrics.delivered(len(messages), polled.source)
        if messages and since_us is not None:
            self.metrics.became_visible((now_us - polled.page.messages[0].timestamp_us) / US_PER_S)
        _log_poll(mailbox, len(messages), since)
        return {
            "messages": messages,
            "count": len(messages),
            "has_more": polled.page.has_more,
            "next_since": messages[-1].timestamp if messages else since and as_written(since),
            "gap": polled.page.gap,
            "source": polled.source,
            "degraded": polled.degraded,
            "poll_after_ms": self.poll_interval_ms,
            "timestamp": format_timestamp(now_us),
            "success": True,
        }


def blueprint(
    messenger: Messenger,
    accounts: Accounts,
    sends: Sends,
    polls: Polls,
) -> Blueprint:
    """Return the endpoints below /api/users/messages."""
    bp = Blueprint("messages", __name__, url_prefix="/api/users/messages")

    @bp.post("")
    def send() -> Response:
        sender = read.signed_in()
        fields = read.json_or_form_fields()
        return answer(sends.body(sender, read.client_address(), fields))

    @bp.get("/poll/<mailbox>")
    def poll(mailbox: str) -> Response:
        reader = read.signed_in()
        mailbox = check_username(mailbox)
        since_us = read.moment("since")
        limit = read.whole_number("limit", PAGE_SIZE, default=DEFAULT_PAGE_SIZE)
        wait_s = read.seconds("wait", LONGEST_WAIT_S)
        if mailbox != reader:
            _refuse_mailbox(accounts, mailbox)
        return answer(polls.body(mailbox, since_us, limit, read.parameter("since"), wait_s))

    @bp.get("/conversation/<other>")
    def conversation(other: str) -> Response:
        user = read.signed_in()
        other = check_username(other)
        before_us = read.moment("before")
        limit = read.whole_number("limit", PAGE_SIZE, default=DEFAULT_PAGE_SIZE)
        accounts.require(other)
        page = messenger.conversation(user, other, before_us, limit)
        messages = [to_wire(message) for message in page.messages]
        return answer(
            {
                "messages": messages,
                "count": len(messages),
                "has_more": page.has_more,
                "next_before": messages[-1].timestamp if messages else None,
                "success": True,
            }
        )

    @bp.get("/conversations")
    def conversations() -> Response:
        user = read.signed_in()
        limit = read.whole_number("limit", PAGE_SIZE, default=DEFAULT_PAGE_SIZE)
        found, has_more = messenger.conversations(user, limit)
        listed = [
            {
                "with": one.other,
                "last_sent": one.sent and to_wire(one.sent),
                "last_received": one.received and to_wire(one.received),
            }
            for one in found
        ]
        return answer({"conversations": listed, "count": len(listed), "has_more": has_more, "success": True})

    return bp


def _content(content: str, limit: int) -> str:
    if len(content) > limit:
        raise InvalidRequest(
            f"content must have at most {limit:,} characters, not {len(content):,}.", "content_too_long"
        )
    if not content.strip():
        raise InvalidRequest("content must not be empty.", "empty_content")
    return content


def _client_message_id(given: str | None) -> str | None:
    legal = CLIENT_MESSAGE_ID_LENGTH
    if given is not None and len(given) not in legal:
        raise InvalidRequest(f"client_message_id must have {spelled(legal)} characters, not {len(given)}.")
    return given


def _refuse_mailbox(accounts: Accounts, mailbox: str) -> None:
    """Raise NotFound or Forbidden. While users cannot be looked up, Forbidden is right in either case."""
    try:
        accounts.require(mailbox)
    except Unavailable:
        log.debug("Cannot look up whether '%s' exists", mailbox)
    raise Forbidden("You may poll only your own mailbox.")


def _log_poll(mailbox: str, count: int, since: str | None) -> None:
    """Log a poll. Polls without messages are most of all requests, so they are logged at DEBUG only."""
    level = logging.INFO if count else logging.DEBUG
    log.log(level, "📬 Polling: '%s' - found %d new messages since %s", mailbox, count, since)
