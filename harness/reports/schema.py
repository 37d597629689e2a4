"""The JSON Schema of `results.json`, made from the types that read it.

`python -m harness.reports.schema` writes it again; a unit test compares it with the code.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import msgspec

from harness.reports.record import Results

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FILE = Path(__file__).with_name("results.schema.json")


def results_schema() -> dict[str, Any]:
    """Return the schema. It accepts keys that it does not name: a later version may add some."""
    schema: dict[str, Any] = msgspec.json.schema(Results)
    for definition in schema["$defs"].values():
        definition["description"] = inspect.cleandoc(definition["description"])
        definition.pop("additionalProperties", None)
    return {"$schema": DIALECT, "title": "The results of a run of the harness", **schema}


def rendered() -> str:
    """Return the file's text."""
    return json.dumps(results_schema(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(rendered(), encoding="utf-8")
