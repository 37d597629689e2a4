"""Reading requests strictly: a value is there once, of the right type, or the answer says what is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from flask import current_app, request
from werkzeug.exceptions import RequestEntityTooLarge

from reference_server import addresses
from reference_server.auth import Tokens
from reference_server.contract import is_unicode, spelled
from reference_server.errors import InvalidRequest
from reference_server.timestamps import LEGAL, parse_timestamp

Fields = dict[str, Any]
_NUMBER = re.compile(r"\d{1,20}(\.\d{1,400})?([Ee][+-]?\d{1,3})?", re.ASCII)
"""As JSON spells numbers that are not negative."""
MOST_FORM_FIELDS = 100
"""Four mean something, and each costs more work than the bytes that it consists of."""


def signed_in() -> str:
    """Give the user whose token the request carries. Raises Unauthenticated."""
    tokens: Tokens = current_app.extensions["tokens"]
    return tokens.username(request.headers.get("Authorization"))


def client_address() -> str:
    """Give the address that the request came from, as whoever is trusted spelled it."""
    trusted_proxies: int = current_app.extensions["trusted_proxies"]
    forwarded_for = request.headers.get("X-Forwarded-For", "")
    return addresses.client_address(request.remote_addr or "", forwarded_for, trusted_proxies)


def json_fields() -> Fields:
    """Give the body's JSON object. Raises InvalidRequest."""
    if not request.is_json:
        raise InvalidRequest("The body must be a JSON object, sent as Content-Type: application/json.")
    try:
        body = json.loads(_body().decode(), object_pairs_hook=_by_name, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("The body is not valid JSON in UTF-8.") from error
    if not isinstance(body, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return body


def _body() -> bytes:
    """Give the whole body. Flask cuts off one that did not tell its length: so look whether there is more."""
    body = request.get_data()
    is_full = request.content_length is None and len(body) == request.max_content_length
    if is_full and request.environ["wsgi.input"].read(1):
        raise RequestEntityTooLarge
    return body


def _by_name(pairs: Iterable[tuple[str, Any]]) -> Fields:
    """Keep all values of a name that comes again: readers disagree on which of them is meant."""
    values: dict[str, list[Any]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: several[0] if len(several) == 1 else _Repeated(several) for name, several in values.items()}


class _Repeated(list[Any]):
    """The values of a field that was sent more than once."""


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")  # Python reads NaN and Infinity


def json_or_form_fields() -> Fields:
    """Give the fields of a JSON object or of a form. Raises InvalidRequest."""
    if request.mimetype == "application/x-www-form-urlencoded":
        return _by_name(_form_fields(_body()))
    if request.mimetype == "multipart/form-data":
        return _by_name(_parts(_body()))
    return json_fields()


def _form_fields(body: bytes) -> list[tuple[str, str]]:
    """Give the fields of a form; Flask would put something else in place of what it cannot read."""
    if body.count(b"&") >= MOST_FORM_FIELDS:
        raise InvalidRequest(f"A form may have {MOST_FORM_FIELDS} fields at most.")
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidRequest("The form is not text in UTF-8.") from error


def _parts(body: bytes) -> Iterable[tuple[str, str]]:
    """Give the fields of a form of parts. Flask parses no more of them than the app's configuration says."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest("The form is not text in UTF-8.") from error
    return request.form.items(multi=True)


def text(fields: Fields, name: str) -> str:
    """Give a required text. Raises InvalidRequest."""
    value = optional_text(fields, name)
    if value is None:
        raise InvalidRequest(f"{name} is missing.")
    return value


def optional_text(fields: Fields, name: str) -> str | None:
    """Give a text, or None where it is missing or null. Raises InvalidRequest."""
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, _Repeated):
        raise InvalidRequest(f"{name} was sent {len(value)} times; send it once.")
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} must be a text.")
    if not is_unicode(value):
        raise InvalidRequest(f"{name} holds half of a surrogate pair, which is not Unicode text.")
    return value


def parameter(name: str) -> str | None:
    """Give a query parameter, or None. Raises InvalidRequest if it is there twice."""
    values = request.args.getlist(name)
    if len(values) > 1:
        raise InvalidRequest(f"{name} was sent {len(values)} times; send it once.")
    return values[0] if values else None


def whole_number(name: str, legal: range, default: int) -> int:
    """Give a query parameter that is a whole number. Raises InvalidRequest."""
    value = parameter(name)
    if value is None:
        return default
    is_number = value.isascii() and value.isdigit() and len(value) < 10
    if not is_number or int(value) not in legal:
        raise InvalidRequest(f"{name} must be a whole number from {spelled(legal)}.")
    return int(value)


def seconds(name: str, high: float) -> float:
    """Give a query parameter that is a number of seconds from 0, the default. Raises InvalidRequest."""
    value = parameter(name)
    if value is None:
        return 0.0
    if not _NUMBER.fullmatch(value) or not 0 <= float(value) <= high:
        raise InvalidRequest(f"{name} must be a number of seconds from 0 to {high:g}.")
    return float(value)


def moment(name: str) -> int | None:
    """Give a query parameter that is a timestamp, in microseconds, or None. Raises InvalidRequest."""
    value = parameter(name)
    if value is None:
        return None
    try:
        return parse_timestamp(value)
    except ValueError as error:
        raise InvalidRequest(f"{name} must be {LEGAL}.", "invalid_timestamp") from error
