"""A server's operations, as a document or a recording describes them, and what each is for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.authoring.fields import Field, fields_of, is_page, nearest
from harness.errors import UsageError


@dataclass(frozen=True)
class Described:
    """One operation. `path` has the placeholders of its description; `words` are what it is called.

    `query` and `fields` are parameters and fields of the body with a value each, `answer` an answer's value.
    """

    method: str
    path: str
    words: str = ""
    query: Mapping[str, Any] = field(default_factory=dict)
    body: str = "json"
    fields: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    answer: Any = None
    answer_headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The names in braces in its path."""
        return re.findall(r"\{([^{}]*)\}", self.path)


@dataclass
class Source:
    """What a document or a recording tells; `unclear` are sentences about what it does not."""

    operations: Sequence[Described]
    prefix: str = ""
    url: str = ""
    auth: str = ""
    auth_header: str = ""
    found: dict[str, object] = field(default_factory=dict)
    """Values of keys that the source itself tells, such as `semantics.cursor`."""
    unclear: list[str] = field(default_factory=list)


ROLES = ("sign_in", "register", "send", "history", "poll")
"""What operations are for, those first that are the easiest to tell."""
_WORDS = {
    "sign_in": ("login", "signin", "logon", "session", "token", "authenticate", "auth"),
    "register": ("register", "signup", "registration", "account", "user", "member"),
    "send": ("message", "send", "chat", "post", "publish", "say"),
    "poll": ("poll", "inbox", "update", "sync", "receive", "message", "event", "mailbox"),
    "history": ("conversation", "history", "thread", "dialog"),
}
ENOUGH = 4.0
"""From this score on an operation is taken for what it looks like."""


def roles_of(operations: Sequence[Described]) -> dict[str, Described]:
    """Return which operation is for what; what none is like is missing."""
    found: dict[str, Described] = {}
    for role in ROLES:
        left = [each for each in operations if each not in found.values()]
        scored = [(_score(role, each), -place) for place, each in enumerate(left)]
        best = max(scored, default=(0.0, 0))
        if best[0] >= ENOUGH:
            found[role] = left[-best[1]]
    return found


def _score(role: str, operation: Described) -> float:
    """Return how much an operation looks like one for this role."""
    said = re.sub(r"[-_ ]", "", f"{operation.path} {operation.words}".lower())
    path = re.sub(r"[-_]", "", re.sub(r"\{[^{}]*\}", "", operation.path).lower())
    words = 3.0 * any(word in path for word in _WORDS[role]) + 1.0 * any(
        word in said for word in _WORDS[role]
    )
    if role in ("poll", "history"):
        return words + _reading(role, operation) if operation.method == "GET" else 0.0
    if operation.method not in ("POST", "PUT"):
        return 0.0
    has_content = _names(operation, "send.content")
    if role == "send":
        return words + 2.0 * has_content + 2.0 * _names(operation, "send.recipient") - 9.0 * (not has_content)
    secret, name = _names(operation, f"{role}.password"), _names(operation, f"{role}.username")
    is_other = role == "register" and any(word in path for word in ("login", "signin", "session", "logout"))
    token = role == "sign_in" and nearest("sign_in.token", "token", fields_of(operation.answer)) is not None
    is_unlike = is_other or has_content or not (secret or name)
    return words + 2.0 * secret + 1.0 * name + 2.0 * token - 9.0 * is_unlike


def _reading(role: str, operation: Described) -> float:
    page = list_of_messages(operation.answer)
    since = nearest("poll.since", "since", _given(operation)) is not None
    other = any(name.lower().startswith(("other", "peer", "with", "partner")) for name in operation.names)
    score = 3.0 * (page is not None) + (2.0 * since if role == "poll" else 1.0 * other)
    return score - 9.0 * (role == "history" and not any(word in operation.path for word in _WORDS["history"]))


def list_of_messages(answer: Any) -> Field | None:
    """Return where an answer has its messages; '@' where it is a list itself."""
    if isinstance(answer, list):
        return Field("@", "@", answer) if is_page(answer) else None
    lists = [each for each in fields_of(answer) if is_page(each.value)]
    return nearest("poll.messages", "messages", lists) or next(iter(lists), None)


def _names(operation: Described, key: str) -> bool:
    return nearest(key, key.rpartition(".")[2], _given(operation)) is not None


def _given(operation: Described) -> Iterator[Field]:
    """Yield what a request has: fields of its body, parameters, and placeholders of its path."""
    for name, value in {**operation.fields, **operation.query}.items():
        yield Field(name, name, "text" if value is None else value)  # of a type that is not told
    for name in operation.names:
        yield Field(name, name, "text")


def require_some(operations: Sequence[Described], what: str) -> None:
    """Raise UsageError when nothing describes a chat."""
    if not {"send", "poll"} & roles_of(operations).keys():
        raise UsageError(f"{what} describes no operation that sends a message or polls for messages.")
