"""The status of an answer that does not mean success, in a sentence with what to write instead."""

from __future__ import annotations

import json
from dataclasses import dataclass

from harness.adapters.http import Request
from harness.adapters.results import Answer
from harness.adapters.wire import Wire
from harness.errors import DoesNotFit, InfrastructureError

ASKED = {
    "register": "the registration",
    "sign_in": "the sign-in",
    "send": "the send",
    "poll": "the poll",
    "history": "the read of the conversation",
}
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Problem:
    """What keeps a profile from being used, and the exit code that this means."""

    sentence: str
    exit_code: int = DoesNotFit.exit_code


@dataclass(frozen=True)
class Exchange:
    """One request and its answer."""

    request: Request
    answer: Answer


def status_problem(wire: Wire, operation: str, exchange: Exchange) -> Problem | None:
    """Return what is wrong with an answer's status; None where the profile says that it means success."""
    answer, asked, table = exchange.answer, ASKED[operation], getattr(wire, operation)
    place = f"`wire.{operation}"
    if answer.status is None:
        said = f"{asked} was not answered: {answer.error}."
        return Problem(begun(said), InfrastructureError.exit_code)
    if answer.status in table.ok or answer.status in getattr(table, "none", ()):
        return None
    said = f"{begun(asked)} was answered {answer.status}"
    if answer.status < 300:
        known = ", ".join(map(str, sorted(table.ok)))
        return Problem(f"{said}, and {place}.ok` says {known}. {advice(f'{operation}.ok', answer.status)}")
    if answer.status < 400:
        where = answer.headers.get("Location", "nowhere")
        return Problem(f"{said}, which leads to {where}; redirects are not followed: correct {place}.path`.")
    if answer.status >= 500:
        why = "that is the server's failure, and says nothing about the profile"
        return Problem(f"{said}: {why}.", InfrastructureError.exit_code)
    return Problem(f"{said}: {_refused(wire, operation, exchange)}")


def _refused(wire: Wire, operation: str, exchange: Exchange) -> str:
    """Return the end of a sentence about an answer from 400 to 499."""
    request, place, status = exchange.request, f"`wire.{operation}", exchange.answer.status
    if status == 404:
        other = " or the user is unknown" if operation != "register" else ""
        return f"the server has no {request.method} {request.path}{other}; see {place}.path`."
    if status in (405, 501):
        return f"it does not take {request.method} there; {_allowed(operation, exchange.answer)}"
    if status in (401, 403) and operation != "register":
        shows = f'`wire.auth` is "{wire.auth}"'
        return f"it did not see who asks, or does not allow it; {shows}."
    if status == 429:
        return "too many requests; raise the server's limits under [env]."
    sent = ", ".join(f"`{name}`" for name in _sent(wire, operation)) or "nothing"
    body = getattr(wire, operation).body
    return f'it does not accept the fields {sent} ({place}.body` is "{body}"); its answer may say why.'


def _allowed(operation: str, answer: Answer) -> str:
    legal = [one.strip().upper() for one in answer.headers.get("Allow", "").split(",")]
    legal = [one for one in legal if one in _METHODS]
    if not legal:
        return f"see `wire.{operation}.method`."
    return f"it takes {', '.join(legal)}. {advice(f'{operation}.method', legal[0])}"


def _sent(wire: Wire, operation: str) -> list[str]:
    table = getattr(wire, operation)
    names = [getattr(table, key) for key in table.REQUEST if key not in table.path.names]
    return [name for name in names if name] + list(table.fields)


def advice(key: str, value: object) -> str:
    """Return the line to write for a key such as `sign_in.token`, as a sentence."""
    table, _, name = key.rpartition(".")
    return f"Write `{name} = {json.dumps(value, ensure_ascii=False)}` under [wire.{table}]."


def begun(sentence: str) -> str:
    """Return a sentence that begins with a capital."""
    return sentence[0].upper() + sentence[1:]
