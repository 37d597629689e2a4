"""The ways to write a send as a request body: as JSON or as a form, in the spellings of real clients."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlencode

from urllib3.filepost import encode_multipart_formdata

Fields = Mapping[str, str]
Body = tuple[bytes, str]
"""The body and its Content-Type."""

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
_OPTIONAL = ("client_message_id", "from_username")
_UNKNOWN = {
    "id": "1",
    "seq": 1,
    "timestamp": "2000-01-01T00:00:00Z",
    "message": "not this",
    "metadata": {"read": [True, None, 1.5]},
}
"""Fields that a newer client may add: the server must not use them."""


def _as_json(fields: Fields) -> Body:
    return json.dumps(fields).encode(), JSON


def _in_utf8(fields: Fields) -> Body:
    return json.dumps(fields, ensure_ascii=False).encode(), JSON


def _escaped(fields: Fields) -> Body:
    """Every character of every string as `\\uXXXX`, the longest spelling in JSON."""
    pairs = (f"{_all_escaped(name)}:{_all_escaped(value)}" for name, value in fields.items())
    return ("{" + ",".join(pairs) + "}").encode(), JSON


def _all_escaped(text: str) -> str:
    units = text.encode("utf-16-be").hex()
    return '"' + "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)) + '"'


def _spaced(fields: Fields) -> Body:
    """Indented, the fields in another order, `/` escaped, a charset in the type."""
    text = json.dumps(dict(reversed(list(fields.items()))), indent=2).replace("/", "\\/")
    return f"\r\n{text}\n".encode(), "Application/JSON; charset=UTF-8"


def _with_unknown_fields(fields: Fields) -> Body:
    return json.dumps({**_UNKNOWN, **fields}).encode(), JSON


def _with_nulls(fields: Fields) -> Body:
    return json.dumps({**dict.fromkeys(_OPTIONAL), **fields}).encode(), JSON


def _as_form(fields: Fields) -> Body:
    return urlencode(fields).encode(), FORM


def _escaped_form(fields: Fields) -> Body:
    """Every space as %20, as JavaScript's encodeURIComponent does, and a charset in the type."""
    return urlencode(fields, quote_via=quote, safe="!'()*").encode(), f"{FORM}; charset=utf-8"


def _multipart(fields: Fields) -> Body:
    return encode_multipart_formdata(dict(fields))


SPELLINGS: Mapping[str, Callable[[Fields], Body]] = {
    "JSON": _as_json,
    "JSON in UTF-8": _in_utf8,
    "JSON, all escaped": _escaped,
    "JSON, indented, with a charset": _spaced,
    "JSON with unknown fields": _with_unknown_fields,
    "JSON with nulls": _with_nulls,
    "a form": _as_form,
    "a form with %20": _escaped_form,
    "a multipart form": _multipart,
}
"""How each way writes the fields of a send."""
USUAL = "JSON"
