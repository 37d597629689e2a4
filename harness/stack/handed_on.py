"""The proxies in front of a server's stores, handed on to a command, so that it can break them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.errors import UsageError
from harness.stack.toxics import Proxy, ProxyServer

VARIABLE = "POLLPROOF_PROXIES"
"""Of the command's environment: the URL of Toxiproxy, and each store's proxy."""


def written(url: str, proxies: Mapping[str, Proxy]) -> str:
    """Return the value of the variable."""
    known = {
        store: [one.name, one.listen, one.upstream, one.question.decode("latin-1")]
        for store, one in proxies.items()
    }
    return json.dumps({"url": url, "proxies": known})


def read(value: str) -> dict[str, Proxy]:
    """Return the proxy of each store. Raise UsageError for a value that `written` did not write."""
    try:
        known = json.loads(value)
        server = ProxyServer(known["url"])
        return {store: _proxy(server, *described) for store, described in known["proxies"].items()}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UsageError(f"The variable {VARIABLE} is not what `harness exec` writes: {error}.") from error


def _proxy(server: ProxyServer, name: str, listen: list[Any], upstream: list[Any], question: str) -> Proxy:
    proxy = Proxy(server, name, listen=(listen[0], listen[1]), upstream=(upstream[0], upstream[1]))
    proxy.question = question.encode("latin-1")
    return proxy
