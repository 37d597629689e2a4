"""What a stranger is judged by, in a few words, from the profile's `[semantics]`."""

from __future__ import annotations

import tomllib
from pathlib import Path

from harness.semantics import Semantics
from harness.typed import typed


def promised(profile: Path) -> str:
    """Return what a profile says that its system promises."""
    table = tomllib.loads(profile.read_text(encoding="utf-8"))
    said = typed(table["semantics"], Semantics)
    words = [
        f"cursor {said.cursor}",
        said.delivery.replace("_", " "),
        "no order" if said.order == "none" else f"{said.order.replace('_', ' ')} order",
        _retention(said, table.get("bounds", {}).get("retained_messages", 1000)),
        _retries(said),
    ]
    return ", ".join(words)


def _retention(said: Semantics, messages: int) -> str:
    if said.retention == "none":
        return "keeps all"
    kept = f"{messages:,} messages" if said.retention == "count" else f"{said.retained_for_s:g} s"
    return f"keeps {kept}{' and signals gaps' if said.gap_signalled else ''}"


def _retries(said: Semantics) -> str:
    if said.retry == "none":
        return "retries are not safe"
    held = "" if said.key_holds_s is None else f" for {said.key_holds_s:g} s"
    return f"retries are safe{held}"
