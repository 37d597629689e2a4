"""What a client under test did, as the front before its server and the client's own hook recorded it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.history.formats import Event
from harness.typed import Record, Seconds


class ClientBounds(Record, frozen=True):
    """What a client promises, from its profile: its numbers in seconds, its promises, and what it has."""

    name: str
    interval_s: Seconds
    longest_back_off_s: Seconds
    timeout_s: Seconds
    catch_up_s: Seconds
    promises: tuple[str, ...] = ()
    has: Mapping[str, bool] = {}


@dataclass(frozen=True)
class ClientRequest:
    """One request of a client; `end_ns` is when its answer's last byte was sent, or the connection gone."""

    client: str
    start_ns: int
    end_ns: int
    method: str
    path: str
    is_poll: bool
    user: str | None
    """Whose mailbox a poll asks for."""
    since: str | None
    wait_s: float
    status: int | None
    script: str
    """The misbehaviour that was applied to it; '' if none was."""
    messages: tuple[str, ...]
    """The ids in the answer, in order."""
    next_since: str | None
    has_more: bool
    gap: bool
    retry_after_s: float | None
    poll_after_ms: float | None
    is_good: bool
    """Whether a valid answer reached the client whole."""
    aborted: bool
    """Whether the client closed the connection before the answer's end."""
    event: Event = field(repr=False)


@dataclass(frozen=True)
class Handed:
    """A message that a client handed on; `user` is the one for whom it ran."""

    client: str
    id: str
    user: str | None
    content: str | None
    at_ns: int
    event: Event = field(repr=False)


@dataclass(frozen=True)
class ClientTold:
    """What the harness made a client, its browser or its server do; `client` is '' for the server."""

    client: str
    did: str
    user: str | None
    at_ns: int
    event: Event = field(repr=False)


def client_bounds(event: Mapping[str, Any]) -> ClientBounds:
    """Return what the `begin` of a client run states."""
    known = ClientBounds.__struct_fields__
    fields = {key: value for key, value in event.items() if key in known}
    return ClientBounds(**{**fields, "promises": tuple(fields.get("promises", ()))})


def client_request(event: Event) -> ClientRequest:
    """Return the request of a `client_request` line."""
    return ClientRequest(
        client=event["client"],
        start_ns=event["start"],
        end_ns=event["t"],
        method=event["method"],
        path=event["path"],
        is_poll=event["is_poll"],
        user=event.get("user"),
        since=event.get("since"),
        wait_s=float(event.get("wait_s") or 0),
        status=event.get("status"),
        script=event.get("script", ""),
        messages=tuple(event.get("messages", ())),
        next_since=event.get("next_since"),
        has_more=bool(event.get("has_more")),
        gap=bool(event.get("gap")),
        retry_after_s=event.get("retry_after_s"),
        poll_after_ms=event.get("poll_after_ms"),
        is_good=bool(event.get("is_good")),
        aborted=bool(event.get("aborted")),
        event=event,
    )


def handed(event: Event) -> Handed:
    """Return the message of a `client_handed` line."""
    return Handed(event["client"], event["id"], event.get("user"), event.get("content"), event["t"], event)


def client_told(event: Event) -> ClientTold:
    """Return what a `client_told` line records."""
    return ClientTold(event["client"], event["did"], event.get("user"), event["t"], event)
