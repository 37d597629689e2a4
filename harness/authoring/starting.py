"""A new profile: from a document, a recording or answers to a file that can be loaded."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from harness.authoring.described import Source
from harness.authoring.drafting import Draft, draft_of
from harness.authoring.from_har import from_har
from harness.authoring.from_openapi import from_openapi
from harness.authoring.writing import rendered_profile
from harness.errors import CannotWrite, UsageError
from harness.targets.profile import load_profile

PLACEHOLDER = ["./start-my-server", "{port}"]
_READY = re.compile(r"health|ready|alive|live|ping|status", re.IGNORECASE)
_UNKNOWN = {
    "workers": 1,
    "stores_as_the_contract": False,
    "stores": {},
    "has.readiness": False,
    "has.metrics": False,
    "has.openapi": False,
    "has.limits": False,
    "has.held_polls": False,
    "has.hang_up": False,
    "has.forms": False,
    "has.multipart_forms": False,
}
"""What a server is not known to have; the user may know better."""


def draft_from(openapi: Path | None, har: Path | None) -> Draft:
    """Return what a document or a recording tells; nothing without one. Raise UsageError."""
    if openapi is not None:
        source = from_openapi(openapi)
        return _with_ready_path(draft_of(source), source)
    if har is not None:
        source = from_har(har)
        return _with_ready_path(draft_of(source), source)
    return Draft()


def _with_ready_path(draft: Draft, source: Source) -> Draft:
    paths = [each.path for each in source.operations if each.method == "GET" and not each.names]
    found = next((path for path in paths if _READY.search(path)), None)
    draft.values["ready_path"] = f"{source.prefix}{found}" if found else "/"
    if found is None:
        draft.unclear.append('which path answers 200 as soon as it serves: `ready_path` is "/"')
    return draft


def completed(draft: Draft, *, name: str, command: list[str], url: str) -> Draft:
    """Return a draft that has a name and a way to reach the server; options win over what was found."""
    values = draft.values
    command = command or list(values.get("command", []))
    url = url or ("" if command else str(values.get("url", "")))
    if not command and not url:
        command = PLACEHOLDER
        draft.unclear.append("which command starts the server: see `command`, or write its `url` instead")
    head: dict[str, Any] = {"name": name or values.get("name", "mine")}
    head |= {"url": url} if url else {"command": command}
    rest = {key: value for key, value in values.items() if key not in ("name", "command", "url")}
    is_form = rest.get("wire.send.body") == "form"
    draft.values = {**head, **_UNKNOWN, **({"has.forms": True} if is_form else {}), **rest}
    return draft


def write_profile(draft: Draft, output: Path, *, source: str, force: bool) -> None:
    """Write the file of a profile. Raise UsageError when it exists or what it says cannot be loaded."""
    text = rendered_profile(draft, output=output, source=source)
    _require_loadable(text)
    try:
        with output.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(f"The file {output} exists already: give --force, or another --output.") from error
    except OSError as error:
        raise CannotWrite(output, error, remedy="--output FILE puts it elsewhere") from error


def _require_loadable(text: str) -> None:
    with tempfile.TemporaryDirectory(prefix="pollproof-init-") as folder:
        path = Path(folder) / "profile.toml"
        path.write_text(text, encoding="utf-8")
        try:
            load_profile(str(path))
        except UsageError as error:
            sentence = error.sentence.partition("is wrong: ")[2] or error.sentence
            raise UsageError(f"What was found cannot be a profile: {sentence}") from error
