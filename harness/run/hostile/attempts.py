"""Requests that the server must refuse, recorded and judged by `private` and `refuses`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from harness.client import Answer, Client
from harness.client.patience import Patience
from harness.history import Recorder

A = TypeVar("A", bound=Answer)


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
        operation: str,
        fields: Mapping[str, Any],
        *,
        expected: Collection[int],
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make the request of an operation of the profile's `[wire]` with these fields, such as `recipient`.

        `what` completes "Mallory tried to …"; `expected` are the statuses that are right. A `body` replaces
        the request's own; `headers` and `parameters` are added to it. Raise NotServed when the server does
        not answer one request after the other.
        """
        http = self.client.http
        answer = http.ask(operation, fields, body=body, headers=headers, parameters=parameters)
        return self._patience.after(self.tried(what, answer, expected=expected))

    def calls(
        self, what: str, method: str, path: str, *, expected: Collection[int], body: bytes | None = None
    ) -> Answer:
        """Make any request; `path` starts at the server's root. The rest is as `tries`."""
        answer = self.client.call(method, path, body=body)
        return self._patience.after(self.tried(what, answer, expected=expected))

    def tries_to_sign_in(
        self, what: str, username: str, password: str, *, expected: Collection[int]
    ) -> Answer:
        """Try a password over a new connection, so that any worker may get it."""
        self.client.close()
        fields = {"username": username, "password": password}
        return self.tries(what, "sign_in", fields, expected=expected)

    def tried(self, what: str, answer: A, *, expected: Collection[int]) -> A:
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
