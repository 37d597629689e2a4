"""Secrets in what is shown: `***` in text, and a variable in a shell command, which can still be pasted."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

HIDDEN = "***"


class Masks:
    """The secrets that are known so far, each with the shell variable that stands for it."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def add(self, secret: str | None, name: str) -> None:
        """Hide this value from now on; the first name of a value stays."""
        if secret:
            self._names.setdefault(secret, re.sub(r"\W", "_", name))

    def text(self, text: str) -> str:
        """Return a text without the secrets."""
        return "".join(part if name is None else HIDDEN for part, name in self._parts(text))

    def word(self, text: str) -> str:
        """Return one word of a shell command, in which variables stand for the secrets."""
        parts = [shlex.quote(part) if name is None else f'"${name}"' for part, name in self._parts(text)]
        return "".join(parts) or "''"

    def _parts(self, text: str) -> Iterator[tuple[str, str | None]]:
        """Yield the parts of a text, each with the variable of the secret that it is, or None."""
        if not self._names:
            longest_first = re.compile(r"(?!)")
        else:
            longest_first = re.compile("|".join(map(re.escape, sorted(self._names, key=len, reverse=True))))
        end = 0
        for found in longest_first.finditer(text):
            if found.start() > end:
                yield text[end : found.start()], None
            yield found[0], self._names[found[0]]
            end = found.end()
        if end < len(text):
            yield text[end:], None
