"""The JSON Schema of profiles, made from the types that read them; editors complete profiles by it.

`python -m harness.authoring.schema` writes both schemas again; a unit test compares them with the code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import NODEFAULT, inspect

from harness import polling_clients, targets
from harness.adapters.wire import PLACEHOLDERS, Success
from harness.adapters.wire import Path as UrlPath
from harness.authoring.descriptions import CLIENT, TARGET
from harness.checkers import PROMISES
from harness.policy import Codes
from harness.polling_clients.profile import PROMISES as CLIENT_PROMISES
from harness.polling_clients.profile import ClientProfile, PromiseName
from harness.reports.schema import DIALECT
from harness.targets.profile import Profile

NAME = "profile.schema.json"
TARGET_FILE = Path(targets.__file__ or "").with_name(NAME)
CLIENT_FILE = Path(polling_clients.__file__ or "").with_name(NAME)
Schema = dict[str, Any]


def target_schema() -> Schema:
    """Return the schema of the profiles of servers."""
    schema = _whole(Profile, "The profile of a polling server that is to be judged", TARGET)
    properties = schema["properties"]
    schema["oneOf"] = [{"required": ["command"]}, {"required": ["url"]}]
    properties["command"]["minItems"] = 1
    properties["url"]["pattern"] = r"^https?://[^/?#@]+(/[^?#@]*)?$|\$\{"
    properties["adapter"]["pattern"] = r"^$|^.+:[A-Za-z_]\w*$"
    every, some = properties["semantics"]["properties"]["promises"]["anyOf"]
    properties["semantics"]["properties"]["promises"]["anyOf"] = [
        every,
        some | {"items": {"enum": [promise.name for promise in PROMISES]}},
    ]
    properties["stores"] = _stores(properties["stores"])
    _constrain_wire(properties["wire"])
    return schema


def client_schema() -> Schema:
    """Return the schema of the profiles of clients."""
    schema = _whole(ClientProfile, "The profile of a polling client that is to be judged", CLIENT)
    schema["oneOf"] = [{"required": ["page"]}, {"required": ["program"]}]
    page = schema["properties"]["page"]["properties"]
    page["path"]["pattern"] = "^/"
    page["files"]["propertyNames"] = {"pattern": "^/"}
    return schema


def _stores(schema: Schema) -> Schema:
    """Return the schema of stores: ours have no upstream, any other has one."""
    store = schema["additionalProperties"]
    upstream = store["properties"]["upstream"] | {"pattern": r"^([^\s:/]+|\[[0-9a-fA-F:]+\]):\d{1,5}$|\$\{"}
    every = {"port": store["properties"]["port"]}
    own = {"redis": every | {"sentinels": store["properties"]["sentinels"]}, "mongodb": every}
    other = store | {"properties": every | {"upstream": upstream}, "required": ["upstream"]}
    return schema | {
        "properties": {
            name: {"description": TARGET[f"stores.{name}"], **store, "properties": properties}
            for name, properties in own.items()
        },
        "additionalProperties": other,
        "propertyNames": {"pattern": "^[a-z][a-z0-9_]*$"},
    }


def _constrain_wire(wire: Schema) -> None:
    for operation, names in PLACEHOLDERS.items():
        legal = "|".join(sorted(names))
        wire["properties"][operation]["properties"]["path"]["pattern"] = (
            rf"^(/([^{{}}]|\{{\{{|\}}\}}|\{{({legal})\}})*)?$"
        )
    wire["allOf"] = [
        {
            "if": {"properties": {"users": {"const": kind}}, "required": ["users"]},
            "then": {"properties": {key: {"minItems": 1}}, "required": [key]},
        }
        for kind, key in (("command", "user_command"), ("list", "user_list"))
    ]


def _whole(kind: type, title: str, descriptions: Mapping[str, str]) -> Schema:
    schema = _schema(inspect.type_info(kind), "", descriptions)
    return {"$schema": DIALECT, "title": title, **schema}


def _schema(kind: inspect.Type, place: str, descriptions: Mapping[str, str]) -> Schema:
    """Return the schema of a type whose key is at a place, with what each key in it means."""
    if isinstance(kind, inspect.StructType):
        return _of_a_table(kind, place, descriptions)
    if isinstance(kind, inspect.UnionType):
        several = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        if len(several) == 1:
            return _schema(several[0], place, descriptions)  # TOML has no null
        return {"anyOf": [_schema(each, place, descriptions) for each in several]}
    if isinstance(kind, inspect.DictType):
        return {"type": "object", "additionalProperties": _schema(kind.value_type, place, descriptions)}
    if isinstance(kind, inspect.VarTupleType):
        items = {"type": "array", "items": _schema(kind.item_type, place, descriptions)}
        return items | ({"minItems": kind.min_length} if kind.min_length else {})
    if isinstance(kind, inspect.LiteralType):
        return {"enum": list(kind.values)}
    return _of_a_value(kind)


def _of_a_table(kind: inspect.StructType, place: str, descriptions: Mapping[str, str]) -> Schema:
    properties = {}
    for field in kind.fields:
        key = f"{place}.{field.name}".lstrip(".")
        schema = _schema(field.type, key, descriptions)
        properties[field.name] = {"description": described(key, descriptions), **schema}
        if (default := _plain(field.default)) is not None:
            properties[field.name]["default"] = default
    required = [field.name for field in kind.fields if field.required]
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})


def _of_a_value(kind: inspect.Type) -> Schema:
    if isinstance(kind, inspect.CustomType):
        return _CUSTOM.get(kind.cls, {"type": "string"})
    names = {inspect.StrType: "string", inspect.IntType: "integer", inspect.FloatType: "number"}
    names[inspect.BoolType] = "boolean"
    if type(kind) not in names:
        return {}
    bounds = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}
    bounds |= {"min_length": "minLength"}
    found = {word: getattr(kind, name, None) for name, word in bounds.items()}
    return {"type": names[type(kind)], **{word: value for word, value in found.items() if value is not None}}


def _statuses(lowest: int, highest: int, fewest: int) -> Schema:
    one = {"type": "integer", "minimum": lowest, "maximum": highest}
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": fewest}]}


_CUSTOM: Mapping[type, Schema] = {
    Success: _statuses(200, 599, 0),
    Codes: _statuses(400, 499, 1),
    UrlPath: {"type": "string", "pattern": "^(/.*)?$"},
    PromiseName: {"enum": list(CLIENT_PROMISES)},
}


def described(key: str, descriptions: Mapping[str, str]) -> str:
    """Return what a key means. Raise KeyError when no sentence says it."""
    table, _, name = key.rpartition(".")
    outer = table.rpartition(".")[0]
    known = [each for each in (key, f"{outer}.{name}", f"{outer}.*.{name}") if each in descriptions]
    return descriptions[known[0] if known else key]


def keys_of(schema: Schema, place: str = "") -> Iterator[str]:
    """Yield every key that a profile can have by a schema."""
    for inner in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(inner, dict):
            yield from keys_of(inner, place)
    for name, each in schema.get("properties", {}).items():
        key = f"{place}.{name}".lstrip(".")
        yield key
        yield from keys_of(each, key)


def _plain(default: Any) -> Any:
    """Return a default as a JSON value; None where it is a table or says nothing."""
    if isinstance(default, frozenset):
        values = sorted(default)
        return values[0] if len(values) == 1 else values
    is_plain = isinstance(default, str | int | float) and default is not NODEFAULT
    return str(default) if isinstance(default, str) else default if is_plain else None


def rendered(schema: Schema) -> str:
    """Return the schema as its file has it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write_schemas() -> None:
    """Write the files again."""
    for path, schema in ((TARGET_FILE, target_schema()), (CLIENT_FILE, client_schema())):
        path.write_text(rendered(schema), encoding="utf-8")


if __name__ == "__main__":
    write_schemas()
