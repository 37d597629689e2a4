"""Amazon SQS: a mailbox is a queue of its owner, and what was read is deleted by its receipt.

It speaks the AWS JSON protocol without signatures, which emulators do not check. The options of the profile
say whether queues are `fifo`.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections.abc import Mapping
from typing import Any

from harness.adapters import Ack, Message, Page, Site, Unavailable
from harness.adapters.http import Request
from strangers.asking import Asking
from strangers.envelope import envelope, opened

PAGE = 10  # the most that one ReceiveMessage returns
LONGEST_PAGE = 100
ACCOUNT = "123456789012"
UNSIGNED = (
    "AWS4-HMAC-SHA256 Credential=none/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=none"
)


class Sqs(Asking):
    """One user. Its queue exists from the registration on."""

    signs_in = False

    def __init__(self, site: Site, username: str, password: str) -> None:
        super().__init__(site, username, password)
        self._is_fifo = bool(site.options.get("fifo"))
        self._read: list[str] = []
        """Receipts of messages that were read and could not be deleted yet."""
        self._lock = threading.Lock()

    def register(self) -> None:
        """Create this user's queue."""
        fifo = {"FifoQueue": "true"} if self._is_fifo else {}
        self._call("CreateQueue", QueueName=self._queue(self.username), Attributes=fifo)

    def sign_in(self) -> None:
        """Any client may use any queue."""

    def send(self, recipient: str, content: str, client_message_id: str | None) -> Ack:
        """Send one message; a FIFO queue takes the client's id as the deduplication id."""
        fifo = {
            "MessageGroupId": "mailbox",
            "MessageDeduplicationId": _key(self.username, client_message_id),
        }
        said = envelope(self.username, recipient, content, client_message_id)
        self._call(
            "SendMessage",
            QueueUrl=self._url(recipient),
            MessageBody=json.dumps(said),
            **(fifo if self._is_fifo else {}),
        )
        return Ack()  # SQS does not promise that a retry is answered with the id of the first attempt

    def poll(self, since: str | None, limit: int | None, wait_s: float) -> Page:
        """Read messages and delete each of them by its receipt, as a consumer does that has handled them."""
        del since, wait_s  # a queue has no cursor, and these polls are short
        with self._lock:
            self._delete()
            messages: list[Message] = []
            most = limit or LONGEST_PAGE
            while len(messages) < most:
                try:
                    found = self._receive(min(PAGE, most - len(messages)))
                except (OSError, Unavailable):
                    if messages:
                        break  # what has come is not lost with the rest
                    raise
                if not found:
                    return Page(messages=messages, has_more=False)
                messages += found
                self._delete()
            return Page(messages=messages, has_more=True)

    def _receive(self, most: int) -> list[Message]:
        answer = self._call(
            "ReceiveMessage",
            QueueUrl=self._url(self.username),
            MaxNumberOfMessages=most,
        )
        found = answer.get("Messages", [])
        self._read += [one["ReceiptHandle"] for one in found]
        return [_message(one) for one in found]

    def _delete(self) -> None:
        """Delete what was read; what cannot be deleted now is tried again at the next poll."""
        while self._read:
            some = [
                {"Id": str(number), "ReceiptHandle": receipt}
                for number, receipt in enumerate(self._read[:PAGE])
            ]
            try:
                # An entry that the answer calls failed is one whose visibility time is over.
                self._call("DeleteMessageBatch", QueueUrl=self._url(self.username), Entries=some)
            except (OSError, Unavailable):
                return
            del self._read[:PAGE]

    def _queue(self, username: str) -> str:
        return username + (".fifo" if self._is_fifo else "")

    def _url(self, username: str) -> str:
        return f"{self.site.urls[0]}/{ACCOUNT}/{self._queue(username)}"

    def _call(self, operation: str, **arguments: Any) -> Mapping[str, Any]:
        """Return the answer to one operation. Raise OSError, Refused or Unavailable."""
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"AmazonSQS.{operation}",
            "Authorization": UNSIGNED,
        }
        return self.ask(Request("POST", "/", headers=headers, body=json.dumps(arguments).encode())).body


def _key(sender: str, client_message_id: str | None) -> str:
    """Return a deduplication id, which may hold only some characters."""
    if client_message_id is None:
        return secrets.token_hex(16)
    return hashlib.sha256(json.dumps([sender, client_message_id]).encode()).hexdigest()


def _message(received: Mapping[str, Any]) -> Message:
    return opened(json.loads(received["Body"]), id=received["MessageId"])
