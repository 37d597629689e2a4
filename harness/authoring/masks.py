"""Secrets in what is shown: `***` in text, and a variable in a shell command, which can still be pasted."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

from harness.secrecy import escaped_in_json

HIDDEN = "***"


class Masks:
    """The secrets that are known so far, each with the shell variable that stands for it."""

    def __init__(self) -> None:
        self._names: dict[str, str | None] = {}
        """The variable of each spelling of a secret; None for one that is escaped, which no variable has."""

    def add(self, secret: str | None, name: str) -> None:
        """Hide this value from now on; the first name of a value stays."""
        if secret:
            self._names[secret] = self._names.get(secret) or re.sub(r"\W", "_", name)
            for escaped in _escaped(secret):
                self._names.setdefault(escaped, None)

    def text(self, text: str) -> str:
        """Return a text without the secrets."""
        return "".join(HIDDEN if is_secret else part for part, is_secret in self._parts(text))

    def word(self, text: str) -> str:
        """Return one word of a shell command, in which variables stand for the secrets."""
        return "".join(self._quoted(part, is_secret) for part, is_secret in self._parts(text)) or "''"

    def _quoted(self, part: str, is_secret: bool) -> str:
        if not is_secret:
            return shlex.quote(part)
        name = self._names[part]
        return f'"${name}"' if name else HIDDEN

    def _parts(self, text: str) -> Iterator[tuple[str, bool]]:
        """Yield the parts of a text, each with whether it is a secret."""
        longest_first = sorted(self._names, key=len, reverse=True)
        pattern = f"({'|'.join(map(re.escape, longest_first))})" if longest_first else "((?!))"
        for place, part in enumerate(re.split(pattern, text)):
            if part:
                yield part, place % 2 == 1


def _escaped(secret: str) -> set[str]:
    """Return how a secret is spelled in JSON and in URLs, where that is otherwise."""
    return (escaped_in_json(secret) | {quote(secret, safe=""), quote_plus(secret)}) - {secret}
