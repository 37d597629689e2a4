"""A user of the server under test: HTTP without hidden retries, every call timed on the harness's clock."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeGuard
from urllib.parse import quote

import urllib3

from harness.client.bounded_http import LONGEST_BODY_BYTES, new_pool, read_body
from harness.client.variety.spellings import SPELLINGS
from harness.client.variety.variety import Manner
from harness.errors import NotServed
from harness.history import Outcome

PATIENCE_S = 5.0
JSON = Mapping[str, Any]
API = "/api/users"


class Malformed(AssertionError):
    """An answer does not say what the contract promises."""


class FieldMissing(Malformed, KeyError):
    """An answer lacks a field."""

    def __str__(self) -> str:
        return f"an answer has no '{self.args[0]}'"


class Body(dict[str, Any]):
    """A JSON object from the server. Raise FieldMissing for a key that it lacks."""

    def __missing__(self, key: str) -> Any:
        raise FieldMissing(key)


@dataclass(frozen=True)
class Answer:
    """The answer to one request; `status` is None if none came, and `error` says why."""

    status: int | None
    body: JSON
    error: str | None
    start_ns: int
    end_ns: int
    text: str = field(default="", repr=False)
    """The body as it came; one that is not a JSON object is only here."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names in any case."""

    @property
    def seconds(self) -> float:
        """The time from the request's start to its answer's last byte."""
        return (self.end_ns - self.start_ns) / 1e9

    @property
    def outcome(self) -> Outcome:
        """What the answer proves (contract, Guarantees): a time-out is never 'not sent'."""
        if self.status == 200 and self.error is None:
            return Outcome.OK
        if self.status is not None and (400 <= self.status < 500 or self.body.get("outcome") == "not_stored"):
            return Outcome.REFUSED
        return Outcome.UNKNOWN


class Client:
    """One user's connection to a server, signed in by `sign_in`.

    With the URLs of several instances each request goes to the next one, as behind a load balancer. Threads
    may share it. `timeout_s` bounds each request to its last byte, in addition to the time that a poll may be
    held open. It is far above every promised bound, so that a late answer counts as late and not as lost.
    """

    def __init__(
        self, base_urls: str | Sequence[str], username: str, password: str, *, timeout_s: float = 5.0
    ) -> None:
        self.username = username
        self._password = password
        self._token: str | None = None
        self._timeout_s = timeout_s
        urls = [base_urls] if isinstance(base_urls, str) else base_urls
        self._urls = [url.rstrip("/") for url in urls]
        self._base_urls = itertools.cycle(self._urls)
        self._http = new_pool(maxsize=8)

    @property
    def token(self) -> str | None:
        """The token of the last sign-in; None before the first."""
        return self._token

    def register(self) -> Answer:
        """Create this user."""
        return self.call("POST", f"{API}/register", body=self._credentials())

    def sign_in(self) -> Answer:
        """Sign in and keep the token for every later call."""
        answer = self.call("POST", f"{API}/login", body=self._credentials())
        token = answer.body.get("token", self._token)
        if answer.status == 200 and not fits_into_a_header(token):
            return replace(answer, error=answer.error or "the token is not a string for a header")
        self._token = token
        return answer

    def sign_in_at_once(self, times: int) -> list[Answer]:
        """Sign in `times` times at the same time, each over its own connection."""
        clients = [Client(self._urls, self.username, self._password) for _ in range(times)]
        with ThreadPoolExecutor(times) as pool:
            answers = list(pool.map(Client.sign_in, clients))
        for client in clients:
            client.close()
        return answers

    def send(self, recipient: str, manner: Manner) -> Answer:
        """Send one message."""
        fields = {"to_username": recipient, "content": manner.content}
        if manner.client_message_id is not None:
            fields["client_message_id"] = manner.client_message_id
        if manner.names_sender:
            fields["from_username"] = self.username
        body, kind = SPELLINGS[manner.spelling](fields)
        headers = {"Content-Type": kind} | _connection(manner.new_connection)
        return self.call("POST", f"{API}/messages", body=body, headers=headers)

    def poll(
        self, parameters: Mapping[str, str], *, unescaped: str = "", new_connection: bool = False
    ) -> Answer:
        """Ask for new messages of this user's own mailbox; `unescaped` characters are not escaped."""
        path = f"{API}/messages/poll/{quote(self.username, safe='')}"
        return self.call(
            "GET",
            path,
            headers=_connection(new_connection),
            parameters=parameters,
            unescaped=unescaped,
            held_s=float(parameters.get("wait", 0)),
        )

    def call(
        self,
        method: str,
        path: str,
        *,
        body: JSON | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
        unescaped: str = "",
        held_s: float = 0.0,
    ) -> Answer:
        """Make any request as this user; `path` starts at the server's root.

        Bytes are sent as they are. `headers` are sent in UTF-8, and override the token and JSON's content
        type. `unescaped` are characters of parameters that are not escaped. The answer may take `held_s`
        seconds longer than others.
        """
        sent = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        data = json.dumps(body).encode() if isinstance(body, Mapping) else body
        if data is not None:
            sent["Content-Type"] = "application/json"
        url = next(self._base_urls) + path
        if parameters:
            url += "?" + "&".join(
                f"{name}={quote(value, safe=unescaped)}" for name, value in parameters.items()
            )
        sent |= {name: value.encode().decode("latin-1") for name, value in (headers or {}).items()}
        timeout = urllib3.Timeout(total=self._timeout_s + held_s, connect=self._timeout_s)
        start_ns = time.monotonic_ns()
        try:
            response = self._http.request(
                method, url, body=data, headers=sent, timeout=timeout, preload_content=False
            )
            raw = read_body(response)
        except urllib3.exceptions.HTTPError as error:
            return Answer(None, Body(), _reason(error), start_ns, time.monotonic_ns())
        return _answer(response, raw, start_ns, time.monotonic_ns())

    def close(self) -> None:
        """Close the idle connections."""
        self._http.clear()

    def _credentials(self) -> dict[str, str]:
        return {"username": self.username, "password": self._password}


def _connection(is_new: bool) -> dict[str, str]:
    """Return the header after which the next request uses another connection, perhaps another worker."""
    return {"Connection": "close"} if is_new else {}


def _answer(response: urllib3.BaseHTTPResponse, raw: bytes | None, start_ns: int, end_ns: int) -> Answer:
    if raw is None:
        error: str | None = f"the body is longer than {LONGEST_BODY_BYTES} bytes"
        return Answer(response.status, Body(), error, start_ns, end_ns, "", response.headers)
    body, error = json_object(raw)
    text = raw.decode(errors="replace")
    return Answer(response.status, body, error, start_ns, end_ns, text, response.headers)


def json_object(raw: bytes) -> tuple[JSON, str | None]:
    """Return the JSON object that a body holds, and an error if it is not one."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return Body(), "the body is not JSON"
    return (Body(body), None) if isinstance(body, dict) else (Body(), "the body is not a JSON object")


def fits_into_a_header(token: object) -> TypeGuard[str]:
    """Return whether a token can be sent in a header as it is."""
    return isinstance(token, str) and token.isascii() and token.isprintable()


def _reason(error: urllib3.exceptions.HTTPError) -> str:
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "connection refused"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "timeout"
    return f"connection lost ({type(error).__name__})"


def patiently(call: Callable[[], Answer], *, pause_s: float = 0.2) -> Answer:
    """Repeat a call that is answered 503 for up to five seconds; return the last answer.

    For requests before a scenario's story: whether a 503 is right is judged by sends and polls.
    """
    give_up_at = time.monotonic() + PATIENCE_S
    while (answer := call()).status == 503 and time.monotonic() < give_up_at:
        time.sleep(pause_s)
    return answer


def require(answer: Answer, status: int, what: str) -> Answer:
    """Return the answer if it has the status that the scenario needs to go on.

    Else raise NotServed: the scenario ends, and what it has recorded is judged.
    """
    if answer.status != status or answer.error:
        said = answer.error or answer.body.get("detail") or answer.body
        raise NotServed(f"{what} was answered {answer.status or 'nothing'}, not {status}: {said}")
    return answer
