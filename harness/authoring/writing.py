"""A profile as a file: a commented TOML document, whose first line names its schema for editors."""

from __future__ import annotations

import json
import os
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.authoring.descriptions import TARGET
from harness.authoring.drafting import Draft
from harness.authoring.schema import TARGET_FILE, described
from harness.printable import printable
from harness.program import PROGRAM
from harness.targets.profile import Profile

WIDTH = 110
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_TABLES = (
    *("has", "semantics", "wire", "wire.register", "wire.sign_in", "wire.send", "wire.poll"),
    *("wire.message", "wire.history"),
)


def rendered_profile(draft: Draft, *, output: Path, source: str) -> str:
    """Return the text of a profile; `output` is where it will be, `source` what it was made from."""
    return "\n".join(_lines(draft, output, source)) + "\n"


def _lines(draft: Draft, output: Path, source: str) -> Iterator[str]:
    yield f"#:schema {schema_for(output)}"
    yield from _comment(f"Written by `{PROGRAM} init` {source}.")
    yield from _comment(f"`{PROGRAM} try {output.name}` shows whether it fits the server.")
    yield "# Keys that are not here have the values of the reference server; docs/adapters.md tells more."
    if draft.unclear:
        yield "#"
        yield "# This could not be told:"
        for sentence in draft.unclear:
            yield from _comment(f"{sentence}.", first="- ")
    yield ""
    yield from _keys(draft.values, "")
    for table in _TABLES:
        lines = list(_keys(draft.values, table))
        if lines:
            yield from ("", f"# {described(table, TARGET)}", f"[{table}]")
            yield from lines


def _comment(sentence: str, first: str = "") -> Iterator[str]:
    yield from textwrap.wrap(
        printable(" ".join(sentence.split())),
        WIDTH,
        initial_indent=f"# {first}",
        subsequent_indent=f"# {' ' * len(first)}",
        break_long_words=False,
    )


def _keys(values: Mapping[str, Any], table: str) -> Iterator[str]:
    """Yield the lines of one table's own keys, each with what it means; what says nothing is left out."""
    for key, value in values.items():
        outer, _, name = key.rpartition(".")
        is_told = table.startswith(("wire", "semantics")) and value != ""
        if outer == table and (is_told or not _is_default(key, value)):
            line = f"{name} = {toml(value)}"
            meaning = described(key, TARGET)
            both = f"{line}  # {meaning}"
            if len(both) <= WIDTH:
                yield both
            else:
                yield from _comment(meaning)
                yield line


def _is_default(key: str, value: Any) -> bool:
    """Return whether a profile without the key means the same."""
    found: Any = Profile(name="")
    for step in key.split("."):
        found = getattr(found, step)
    if isinstance(found, frozenset):
        return found == {value}
    return key != "name" and bool(found == value)


def toml(value: Any) -> str:
    """Return a value as TOML spells it."""
    if isinstance(value, str):
        escaped = json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
        return re.sub(r"[\ud800-\udfff]", "\ufffd", escaped)
    if isinstance(value, Mapping):
        pairs = (f"{_name(str(key))} = {toml(each)}" for key, each in value.items())
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value)


def _name(name: str) -> str:
    return name if _BARE.fullmatch(name) else toml(name)


def schema_for(output: Path) -> str:
    """Return where the schema is, as an editor finds it from the profile: a path below it, or a URL."""
    folder, schema = output.absolute().parent, TARGET_FILE.absolute()
    if schema.is_relative_to(folder):
        return f"./{os.path.relpath(schema, folder)}"
    return schema.as_uri()
