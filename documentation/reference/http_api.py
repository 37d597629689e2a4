"""The API of the reference server, from its OpenAPI document, and the codes of its errors, from their classes."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from documentation.markdown import code, sentence, table, toml
from reference_server import blueprints, errors
from reference_server.config import Config
from reference_server.errors import InvalidRequest, Problem
from reference_server.openapi.document import document

ANY_SECRET = "s" * 32
_BLUEPRINTS = f"{blueprints.__name__}."


def http_api() -> str:
    """Return the page."""
    paths = document(Config.from_env({"SECRET_KEY": ANY_SECRET}))["paths"]
    endpoints = [
        (method, path, operation) for path, each in paths.items() for method, operation in each.items()
    ]
    rows = (
        (
            code(f"{method.upper()} {path}"),
            sentence(operation["summary"]),
            "yes" if "security" in operation else "",
            " · ".join(operation["responses"]),
        )
        for method, path, operation in endpoints
    )
    parameters = (
        (code(path), code(each["name"]), *_rule(each["schema"]))
        for _, path, operation in endpoints
        for each in operation.get("parameters", ())
        if each["in"] == "query"
    )
    return f"""# HTTP API of the server

The reference server describes itself at `/openapi.json`, with the limits that its settings give it; these are the defaults. The
[contract](../contract.md#endpoints) says what the requests and answers mean.

{table(("Endpoint", "What it does", "Token", "Statuses"), rows)}

## Parameters

{table(("Endpoint", "Parameter", "Legal", "Default"), parameters)}

## Codes of errors

An error is `application/problem+json`; its `code` is stable, for programs. An error of HTTP itself has the name of its status,
such as `not_found`, `method_not_allowed` or `request_entity_too_large`.

{table(("Code", "Status", "Meaning"), sorted(_codes(), key=lambda row: row[1]))}
"""


def _rule(schema: dict[str, Any]) -> tuple[str, str]:
    kind = (schema.get("description") or schema["type"]).rstrip(".")
    bounds = f", {schema['minimum']} to {schema['maximum']}" if "maximum" in schema else ""
    return sentence(f"{kind}{bounds}"), toml(schema.get("default"))


def _codes() -> Iterator[tuple[str, str, str]]:
    """Yield the code of each class of problems, and those that a refusal is given where it is raised."""
    several = [each for each in vars(errors).values() if inspect.isclass(each) and issubclass(each, Problem)]
    for each in several:
        if "code" in vars(each):
            says = "A bug of the server; its log has the details." if each is Problem else each.__doc__ or ""
            yield code(each.code), str(each.status), sentence(inspect.cleandoc(says))
    for found in (
        errors,
        *(import_module(each.name) for each in iter_modules(blueprints.__path__, _BLUEPRINTS)),
    ):
        yield from _given(ast.parse(inspect.getsource(found)), vars(found))


def _given(module: ast.Module, names: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    """Yield the codes that are the second argument of an InvalidRequest, with the sentence before it."""
    for node in ast.walk(module):
        if not isinstance(node, ast.Call) or len(node.args) != 2:
            continue
        called, (says, given) = ast.unparse(node.func), node.args
        if called in {InvalidRequest.__name__, "super().__init__"} and isinstance(given, ast.Constant):
            yield code(given.value), str(InvalidRequest.status), sentence(_text(says, names))


def _text(node: ast.expr, names: Mapping[str, object]) -> str:
    """Return a text as the code has it: a constant's name is its value, and `…` is what only a request decides."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, names) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        name = ast.unparse(node.value)
        return str(names[name]) if name.isupper() and name in names else "…"
    return str(node.value) if isinstance(node, ast.Constant) else "…"
