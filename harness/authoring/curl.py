"""A request as a command line of curl that can be pasted into a shell."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from harness.adapters.http import Request
from harness.authoring.masks import Masks

_BASIC = "Basic "


def curl(request: Request, base_url: str, masks: Masks) -> str:
    """Return the command; the secrets that are known are variables of the shell in it."""
    return " ".join(masks.word(word) if quoted else word for word, quoted in _words(request, base_url))


def _words(request: Request, base_url: str) -> Iterator[tuple[str, bool]]:
    """Yield each word, and whether it has to be quoted."""
    yield "curl", False
    if request.method != ("GET" if request.body is None else "POST"):
        yield from (("-X", False), (request.method, True))
    yield base_url.rstrip("/") + request.target, True
    for name, value in request.headers.items():
        if name == "Authorization" and value.startswith(_BASIC):
            yield from (("-u", False), (base64.b64decode(value[len(_BASIC) :]).decode(), True))
        else:
            yield from (("-H", False), (f"{name}: {value}", True))
    if request.body is not None:
        yield from (("--data-raw", False), (request.body.decode(errors="backslashreplace"), True))
