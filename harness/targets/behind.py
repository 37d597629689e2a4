"""What rows of the plan need of how a server is started and of the stores behind it, with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from harness.stack.stores import OURS, Stores, others

URLS = MappingProxyType({"redis_url": "redis", "mongodb_url": "mongodb"})
"""The names in braces for which a row can give the server other stores, and the store of each."""


def lacks_behind(stores: Stores, *, url: str, words: Iterable[str] = ()) -> Mapping[str, str]:
    """Return why a row is left out by the key that it needs; '' where the target has it.

    `words` are those of the target's command and environment.
    """
    command = (
        "the target's profile has a url, not a command, so it is not the harness's to break" if url else ""
    )
    missing = {name: f"the target's profile names no {name} in its stores" for name in OURS}
    known = {name: "" if name in stores else missing[name] for name in OURS}
    upstreams = "" if others(stores) else "the target's profile names no store but Redis and MongoDB"
    text = "\n".join(words)
    unused = {name: f"the target's profile does not use {{{name}}}" for name in URLS}
    urls = {
        name: command or known[store] or ("" if f"{{{name}}}" in text else unused[name])
        for name, store in URLS.items()
    }
    return known | urls | {"upstreams": upstreams, "command": command}
