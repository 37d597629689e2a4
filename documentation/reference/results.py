"""The keys of `results.json`, from its JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from documentation.markdown import code, table, toml
from harness.reports.schema import results_schema

Schema = dict[str, Any]
REFERENCE = "#/$defs/"


def results() -> str:
    """Return the page."""
    schema = results_schema()
    sections = "\n\n".join(_section(name, each) for name, each in schema["$defs"].items())
    return f"""# The keys of `results.json`

[`results.schema.json`](../../harness/reports/results.schema.json) is the JSON Schema. [Results](../results.md#resultsjson) says
what programs may rely on. A file is a [`Results`](#results).

{sections}
"""


def _section(name: str, schema: Schema) -> str:
    if "enum" in schema:
        return f"## {name}\n\n{schema['description']} One of {', '.join(map(toml, schema['enum']))}."
    return f"## {name}\n\n{schema['description']}\n\n{table(('Key', 'Type', 'Default'), _rows(schema))}"


def _rows(schema: Schema) -> Iterator[tuple[str, str, str]]:
    for key, each in schema["properties"].items():
        default = "always there" if key in schema.get("required", ()) else _default(each.get("default"))
        yield code(key), _kind(each), default


def _default(value: object) -> str:
    return code("{}") if value == {} else toml(value)


def _kind(schema: Schema) -> str:
    """Return the type of a value in words."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REFERENCE)
        return f"[`{name}`](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(map(toml, schema["enum"]))
    if schema["type"] == "array":
        return f"list of {_kind(schema['items'])}"
    if schema["type"] == "object":
        others = schema.get("additionalProperties")
        return f"object of {_kind(others)}" if isinstance(others, dict) else "object"
    return str(schema["type"])
