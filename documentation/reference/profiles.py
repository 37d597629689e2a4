"""The keys of profiles, of servers and of clients, from their JSON Schemas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from documentation.markdown import code, table, toml
from harness.authoring.schema import client_schema, target_schema

HEAD = ("Key", "Default", "Legal", "Meaning")
Schema = dict[str, Any]
SEVERAL = {"a string": "strings", "a table": "tables"}


def profile() -> str:
    """Return the page about the profiles of servers."""
    return f"""# The profile of a server

A profile is a TOML file. [Judge your own server](../own-server.md) says how to write one, and
[`reference.toml`](../../harness/targets/reference.toml) has every key with a comment. The server is started by `command`, or
runs at `url`: one of the two is required. In every string `${{NAME}}` is the environment's variable.

{_sections(target_schema())}
"""


def client_profile() -> str:
    """Return the page about the profiles of clients."""
    return f"""# The profile of a client

A profile is a TOML file. [Judge your own client](../own-client.md) says how to write one. The client is a `[page]` or a `[program]`:
one of the two is required. Paths are relative to the profile's folder. In a string `${{NAME}}` is the environment's variable,
but not under `[page]`, where it is JavaScript's.

{_sections(client_schema())}
"""


def _sections(schema: Schema) -> str:
    tables = {name: each for name, each in schema["properties"].items() if _is_a_table(each)}
    plain = {name: each for name, each in schema["properties"].items() if name not in tables}
    parts = [f"## At the top\n\n{table(HEAD, _rows(schema | {'properties': plain}, ''))}"]
    for name, each in tables.items():
        parts.append(f"## `[{name}]`\n\n{each['description']}\n\n{table(HEAD, _rows(each, ''))}")
    return "\n\n".join(parts)


def _is_a_table(schema: object) -> bool:
    return isinstance(schema, dict) and bool(schema.get("properties"))


def _rows(schema: Schema, place: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield a line for each key of a table, of the tables in it, and of those whose names are free."""
    for name, each in schema["properties"].items():
        default = "required" if name in schema.get("required", ()) else toml(each.get("default"))
        yield code(f"{place}{name}"), default, _legal(each), each["description"]
        if _is_a_table(each):
            yield from _rows(each, f"{place}{name}.")
        if _is_a_table(each.get("items")):
            yield from _rows(each["items"], f"{place}{name}[].")
    others = schema.get("additionalProperties")
    if isinstance(others, dict) and _is_a_table(others):
        yield from _rows(others, f"{place}NAME.")


def _legal(schema: Schema) -> str:
    """Return in words what a value may be."""
    if "anyOf" in schema and schema["anyOf"][1].get("items") == schema["anyOf"][0]:
        return f"{_legal(schema['anyOf'][0])}, or a list of such"
    if "anyOf" in schema:
        return ", or ".join(_legal(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(map(toml, schema["enum"]))
    if "const" in schema:
        return toml(schema["const"])
    kind = schema.get("type")
    if kind == "array":
        each = _legal(schema["items"])
        return f"a list of {SEVERAL.get(each, each)}"
    if kind in {"integer", "number"}:
        return " ".join([{"integer": "a whole number", "number": "a number"}[kind], *_bounds(schema)])
    return {"boolean": "true, false", "object": "a table", "string": "a string"}.get(str(kind), "")


def _bounds(schema: Schema) -> Iterator[str]:
    for key, words in (
        ("minimum", "from"),
        ("exclusiveMinimum", "above"),
        ("maximum", "to"),
        ("exclusiveMaximum", "below"),
    ):
        if key in schema:
            yield f"{words} {schema[key]:,}"
