"""What a server's OpenAPI 3 document tells of its profile."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.authoring.described import Described, Source, require_some
from harness.authoring.documents import read_document
from harness.authoring.drafting import Fixed
from harness.errors import UsageError

DEEPEST = 6
MOST_VALUES = 2_000
"""Of one sample: schemas that name each other in a circle would else never end."""
METHODS = ("get", "post", "put", "patch", "delete")
_JSON, _FORMS = (
    re.compile(r"application/(.+\+)?json"),
    ("application/x-www-form-urlencoded", "multipart/form-data"),
)


def from_openapi(path: Path) -> Source:
    """Return what the document in a file, JSON or YAML, tells. Raise UsageError when it is not one."""
    document = read_document(path, "OpenAPI document", allows_yaml=True)
    if "swagger" in document:
        raise UsageError(f"The document {path} is of Swagger 2; only OpenAPI 3 can be read.")
    if not isinstance(document.get("paths"), Mapping):
        raise UsageError(f"The document {path} is not an OpenAPI 3 document: it has no `paths`.")
    reading = _Reading(document)
    operations = list(reading.operations())
    require_some(operations, f"The document {path}")
    url, prefix = reading.server()
    auth, header = reading.auth()
    return Source(operations, prefix, url, auth, header, unclear=reading.unclear)


class _Reading:
    """Reads one document; what it does not understand is left out."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self.unclear: list[str] = []
        self._left = 0
        """How many values the sample may still have."""

    def server(self) -> tuple[str, str]:
        """Return the URL of the first server, '' if it has none, and the path in front of all others."""
        servers = _list(self._document.get("servers"))
        if not servers:
            return "", ""
        given = _table(self._resolved(servers[0]))
        variables = _table(given.get("variables"))

        def value(found: re.Match[str]) -> str:
            return str(_table(variables.get(found[1])).get("default", found[1]))

        return _parts(re.sub(r"\{(\w+)\}", value, str(given.get("url") or "")))

    def auth(self) -> tuple[str, str]:
        """Return what shows who asks, and the name of its header; '' where the document does not tell."""
        schemes = _table(_table(self._document.get("components")).get("securitySchemes"))
        for scheme in map(_table, map(self._resolved, schemes.values())):
            kind, place = str(scheme.get("type")), scheme.get("in")
            if kind == "http":
                return ("basic" if str(scheme.get("scheme")).lower() == "basic" else "bearer"), ""
            if kind == "apiKey" and place in ("cookie", "header"):
                name = str(scheme.get("name", ""))
                is_bearer = name.lower() == "authorization"
                return ("bearer", "") if is_bearer else (str(place), name if place == "header" else "")
            if kind in ("oauth2", "openIdConnect"):
                return "bearer", ""
        return "", ""

    def operations(self) -> Iterator[Described]:
        """Yield each operation of the document."""
        for path, item in _table(self._document["paths"]).items():
            shared = _table(self._resolved(item))
            for method in METHODS:
                operation = _table(self._resolved(shared.get(method)))
                if operation and str(path).startswith("/"):
                    yield self._operation(str(path), method, shared, operation)

    def _operation(
        self, path: str, method: str, shared: Mapping[str, Any], operation: Mapping[str, Any]
    ) -> Described:
        given = [*_list(shared.get("parameters")), *_list(operation.get("parameters"))]
        parameters = [_table(self._resolved(each)) for each in given]
        body, fields = self._body(operation)
        status, answer, headers = self._answer(operation)
        said = [operation.get("operationId"), operation.get("summary"), *_list(operation.get("tags"))]
        return Described(
            method.upper(),
            path,
            " ".join(str(each) for each in said if each),
            {str(each.get("name")): self._value(each) for each in parameters if each.get("in") == "query"},
            body,
            fields,
            {str(each.get("name")): "text" for each in parameters if each.get("in") == "header"},
            status,
            answer,
            headers,
        )

    def _body(self, operation: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        content = _table(_table(self._resolved(operation.get("requestBody"))).get("content"))
        kinds = {str(kind): _table(each) for kind, each in content.items()}
        in_json = [each for kind, each in kinds.items() if _JSON.match(kind)]
        in_forms = [each for kind, each in kinds.items() if kind.startswith(_FORMS)]
        if in_json:
            return "json", dict(_flat(self._value(in_json[0])))
        return ("form", _table(self._value(in_forms[0]))) if in_forms else ("json", {})

    def _answer(self, operation: Mapping[str, Any]) -> tuple[int, Any, Mapping[str, str]]:
        """Return the status, the value and the headers of the answer that means success."""
        answers = {str(status).upper(): each for status, each in _table(operation.get("responses")).items()}
        good = sorted(status for status in answers if re.fullmatch(r"2\d\d|2XX", status))
        with_body = [each for each in good if _table(self._resolved(answers[each])).get("content")]
        chosen = next(iter([*with_body, *good]), "")
        found = _table(self._resolved(answers.get(chosen or "DEFAULT")))
        kinds = [
            _table(each) for kind, each in _table(found.get("content")).items() if _JSON.match(str(kind))
        ]
        headers = {str(name): "text" for name in _table(found.get("headers"))}
        status = int(chosen) if chosen.isdigit() else 200
        return status, self._value(kinds[0]) if kinds else None, headers

    def _value(self, described: Mapping[str, Any]) -> Any:
        """Return a value of a parameter or a body: its example, or one of its schema."""
        if "example" in described:
            return described["example"]
        for example in map(_table, _table(described.get("examples")).values()):
            if "value" in example:
                return example["value"]
        self._left = MOST_VALUES
        return self._sample(described.get("schema"), 0)

    def _sample(self, given: Any, depth: int) -> Any:
        schema = _table(self._resolved(given))
        self._left -= 1
        if depth > DEEPEST or self._left < 0:
            return None
        for key in ("example", "const", "default"):
            if schema.get(key) is not None:
                return Fixed(schema[key]) if key == "const" and isinstance(schema[key], str) else schema[key]
        if examples := _list(schema.get("examples")):
            return examples[0]
        if choices := _list(schema.get("enum")):
            is_fixed = len(choices) == 1 and isinstance(choices[0], str)
            return Fixed(choices[0]) if is_fixed else choices[0]
        for key in ("oneOf", "anyOf"):
            several = [self._sample(each, depth + 1) for each in _list(schema.get(key))]
            if real := [each for each in several if each is not None]:
                return real[0]
        return self._of_a_type(schema, depth)

    def _of_a_type(self, schema: Mapping[str, Any], depth: int) -> Any:
        whole: dict[str, Any] = {}
        for part in _list(schema.get("allOf")):
            inner = self._sample(part, depth + 1)
            if not isinstance(inner, Mapping):
                return inner
            whole |= inner
        kinds = _list(schema.get("type")) or [schema.get("type")]
        kind = next((each for each in kinds if each != "null"), None)
        properties = _table(schema.get("properties"))
        if kind == "object" or properties or whole:
            return whole | {str(name): self._sample(each, depth + 1) for name, each in properties.items()}
        if kind == "array":
            return [self._sample(schema.get("items"), depth + 1)]
        if kind == "string":
            return "2020-01-01T00:00:00Z" if schema.get("format") == "date-time" else "text"
        return {"integer": 1, "number": 1, "boolean": True}.get(str(kind))

    def _resolved(self, given: Any) -> Any:
        """Return what a `$ref` leads to inside of the document; {} where it leads out of it or nowhere."""
        for _ in range(DEEPEST):
            reference = given.get("$ref") if isinstance(given, Mapping) else None
            if not isinstance(reference, str):
                return given
            if not reference.startswith("#/"):
                self._note(f"what {reference} says, which is another document")
                return {}
            given = self._document
            for step in reference[2:].split("/"):
                given = _table(given).get(step.replace("~1", "/").replace("~0", "~"), {})
        return {}

    def _note(self, sentence: str) -> None:
        if sentence not in self.unclear:
            self.unclear.append(sentence)


def _parts(url: str) -> tuple[str, str]:
    """Return the root of a URL, '' where it has none, and its path; '' for both where it is not a URL."""
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return "", ""
    path = re.sub(r"[{}]", "", parts.path).strip("/")
    netloc = parts.netloc.rpartition("@")[2]
    return (f"{parts.scheme}://{netloc}" if is_whole else ""), (f"/{path}" if path else "")


def _table(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _flat(value: Any, place: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a body; those of an object in it as `/a/b`."""
    for name, each in _table(value).items():
        nested = f"{place or '/'}{name}" if place else str(name)
        if isinstance(each, Mapping) and depth < DEEPEST:
            yield from _flat(each, f"{place or '/'}{name}/", depth + 1)
        else:
            yield nested, each
