"""Read requests strictly: a value must be sent once and have the right type, or the answer says why not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from flask import current_app, request
from werkzeug.exceptions import RequestEntityTooLarge

from reference_server import addresses
from reference_server.auth import Tokens
from reference_server.contract import is_unicode, spelled
from reference_server.errors import InvalidRequest
from reference_server.timestamps import LEGAL, parse_timestamp

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Fields = dict[str, Any]
_NUMBER = re.compile(r"\d{1,20}(\.\d{1,400})?([Ee][+-]?\d{1,3})?", re.ASCII)
"""A non-negative number in JSON's syntax."""
MAX_FORM_FIELDS = 100
"""Only four are known, and parsing each costs more work than its bytes."""


def signed_in() -> str:
    """Return the user of the request's token. Raise Unauthenticated."""
    tokens: Tokens = current_app.extensions["tokens"]
    return tokens.username(request.headers.get("Authorization"))


def client_address() -> str:
    """Return the address that the request came from, in the notation of the proxy or the connection."""
    return address_of(request.environ, current_app.extensions["trusted_proxies"])


def address_of(environ: WSGIEnvironment, trusted_proxies: int) -> str:
    """See client_address."""
    forwarded_for = environ.get("HTTP_X_FORWARDED_FOR", "")
    return addresses.client_address(environ.get("REMOTE_ADDR") or "", forwarded_for, trusted_proxies)


def json_fields() -> Fields:
    """Return the body's JSON object. Raise InvalidRequest."""
    if not request.is_json:
        raise InvalidRequest("The body must be a JSON object, sent as Content-Type: application/json.")
    return json_object(_body())


def json_object(body: bytes) -> Fields:
    """Return the object of a body. Raise InvalidRequest."""
    try:
        fields = _decode(body.decode())
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("The body is not valid JSON in UTF-8.") from error
    if not isinstance(fields, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return fields


def _body() -> bytes:
    """Return the body. Flask truncates a long body without a Content-Length: check whether there is more."""
    body = request.get_data()
    is_full = request.content_length is None and len(body) == request.max_content_length
    if is_full and request.environ["wsgi.input"].read(1):
        raise RequestEntityTooLarge
    return body


def _by_name(pairs: Iterable[tuple[str, Any]]) -> Fields:
    """Return the values by name. Mark repeated names: parsers disagree on which of the values counts."""
    pairs = list(pairs)
    if len(once := dict(pairs)) == len(pairs):
        return once
    values: dict[str, list[Any]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: several[0] if len(several) == 1 else _Repeated(several) for name, several in values.items()}


class _Repeated(list[Any]):
    """The values of a field that was sent more than once."""


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")  # Python accepts NaN and Infinity


_decode = json.JSONDecoder(object_pairs_hook=_by_name, parse_constant=_refuse_constant).decode


def json_or_form_fields() -> Fields:
    """Return the fields of a JSON object or of a form. Raise InvalidRequest."""
    if request.mimetype == "application/x-www-form-urlencoded":
        return _by_name(_form_fields(_body()))
    if request.mimetype == "multipart/form-data":
        return _by_name(_parts(_body()))
    return json_fields()


def _form_fields(body: bytes) -> list[tuple[str, str]]:
    """Return the fields of a form. Flask would replace bytes that are not UTF-8 by another character."""
    if body.count(b"&") >= MAX_FORM_FIELDS:
        raise InvalidRequest(f"A form may have at most {MAX_FORM_FIELDS} fields.")
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidRequest("The form is not text in UTF-8.") from error


def _parts(body: bytes) -> Iterable[tuple[str, str]]:
    """Return the fields of a multipart form. The app's configuration limits how many Flask parses."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest("The form is not text in UTF-8.") from error
    return request.form.items(multi=True)


def text(fields: Fields, name: str) -> str:
    """Return a required string. Raise InvalidRequest."""
    value = optional_text(fields, name)
    if value is None:
        raise InvalidRequest(f"{name} is missing.")
    return value


def optional_text(fields: Fields, name: str) -> str | None:
    """Return a string, or None if it is missing or null. Raise InvalidRequest."""
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, _Repeated):
        raise InvalidRequest(f"{name} was sent {len(value)} times; send it once.")
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} must be a string.")
    if not is_unicode(value):
        raise InvalidRequest(f"{name} must be Unicode text, without unpaired surrogates.")
    return value


def parameter(name: str) -> str | None:
    """Return a query parameter, or None. Raise InvalidRequest if it was sent twice."""
    values = request.args.getlist(name)
    if len(values) > 1:
        raise InvalidRequest(f"{name} was sent {len(values)} times; send it once.")
    return values[0] if values else None


def whole_number(name: str, legal: range, default: int) -> int:
    """Return a query parameter that is a whole number. Raise InvalidRequest."""
    value = parameter(name)
    if value is None:
        return default
    is_number = value.isascii() and value.isdigit() and len(value) < 10
    if not is_number or int(value) not in legal:
        raise InvalidRequest(f"{name} must be a whole number from {spelled(legal)}.")
    return int(value)


def seconds(name: str, high: float) -> float:
    """Return a query parameter that is a number of seconds from 0, the default. Raise InvalidRequest."""
    value = parameter(name)
    if value is None:
        return 0.0
    if not _NUMBER.fullmatch(value) or not 0 <= float(value) <= high:
        raise InvalidRequest(f"{name} must be a number of seconds from 0 to {high:g}.")
    return float(value)


def moment(name: str) -> int | None:
    """Return a query parameter that is a timestamp, in microseconds, or None. Raise InvalidRequest."""
    value = parameter(name)
    return None if value is None else microseconds(name, value)


def microseconds(name: str, value: str) -> int:
    """Return the microseconds of a timestamp that was sent as `name`. Raise InvalidRequest."""
    try:
        return parse_timestamp(value)
    except ValueError as error:
        raise InvalidRequest(f"{name} must be {LEGAL}.", "invalid_timestamp") from error
