"""What rows of the plan need of how a server is started and of the stores behind it, with the reason."""

from __future__ import annotations

from collections.abc import Mapping

from harness.stack.stores import OURS, Stores, others


def lacks_behind(stores: Stores, *, url: str) -> Mapping[str, str]:
    """Return why a row is left out by the key that it needs; '' where the target has it."""
    command = "the target's profile has a url, not a command, so it is not the harness's to break"
    missing = {name: f"the target's profile names no {name} in its stores" for name in OURS}
    known = {name: "" if name in stores else missing[name] for name in OURS}
    upstreams = "" if others(stores) else "the target's profile names no store but Redis and MongoDB"
    return known | {"upstreams": upstreams, "command": command if url else ""}
