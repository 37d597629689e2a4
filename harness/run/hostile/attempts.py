"""Requests that the server must refuse, recorded and judged by `private` and `refuses`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote

from harness.client import API, Answer, Client
from harness.client.patience import Patience
from harness.history import Recorder

LOGIN, REGISTER, MESSAGES = f"{API}/login", f"{API}/register", f"{API}/messages"


def mailbox(username: str) -> str:
    """Return the path of a poll."""
    return f"{MESSAGES}/poll/{quote(username, safe='')}"


def conversation(other: str) -> str:
    """Return the path of a conversation."""
    return f"{MESSAGES}/conversation/{quote(other, safe='')}"


class Intruder:
    """A user whose requests are recorded as attempts. No answer may hold one of `secrets`."""

    def __init__(self, client: Client, recorder: Recorder, secrets: Collection[str] = ()) -> None:
        self.client = client
        self._recorder = recorder
        self._secrets = secrets
        self._patience = Patience()

    def tries(
        self,
        what: str,
        method: str,
        path: str,
        *,
        expected: Collection[int],
        body: Mapping[str, Any] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make a request. `what` completes "Mallory tried to …"; `expected` are the statuses that are right.

        Raise NotServed when the server does not answer one request after the other.
        """
        answer = self.client.call(method, path, body=body, headers=headers, parameters=parameters)
        return self._patience.after(self.tried(what, answer, expected=expected))

    def tries_to_sign_in(
        self, what: str, username: str, password: str, *, expected: Collection[int]
    ) -> Answer:
        """Try a password over a new connection, so that any worker may get it."""
        self.client.close()
        return self.tries(
            what, "POST", LOGIN, body={"username": username, "password": password}, expected=expected
        )

    def tried(self, what: str, answer: Answer, *, expected: Collection[int]) -> Answer:
        """Record an attempt that has been made."""
        said = answer.text + "\n".join(answer.headers.values())
        self._recorder.record(
            "attempt",
            t=answer.end_ns,
            op=self._recorder.next_op(),
            who=self.client.username,
            what=what,
            expected=sorted(expected),
            start=answer.start_ns,
            status=answer.status,
            leaked=[secret for secret in self._secrets if secret in said],
            error=None if answer.status is not None else answer.error,
        )
        return answer


def shown(value: object) -> str:
    """Return a value for a sentence: on one line, not too long, without control characters."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:60] + "…"
