"""What a setting may be: rules that read text from the environment, or say what would be legal."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from reference_server.contract import is_unicode
from reference_server.store_url import UrlError, UrlRules


class ConfigError(ValueError):
    """A setting is missing or illegal. The text is one sentence: the variable, and what would be legal."""


@dataclass(frozen=True)
class Rule:
    """A kind of value."""

    legal: str
    """What is legal, as the end of a sentence: "a whole number from 1 to 64"."""
    read: Callable[[str], int | str | None]
    """Gives the value, or None if the text is illegal. May raise UrlError, which says more than `legal`."""
    may_be_shown: bool = True
    """False if a value, even an illegal one, may be or hold a secret."""


def whole_number(low: int, high: int) -> Rule:
    """A number in decimal digits; both bounds are legal."""

    def read(text: str) -> int | None:
        text = text.strip()
        is_number = text.isascii() and text.isdigit() and len(text) < 20
        return int(text) if is_number and low <= int(text) <= high else None

    return Rule(f"a whole number from {low:,} to {high:,}", read)


def one_of(*words: str) -> Rule:
    """One of a few words."""
    return Rule("one of " + ", ".join(words), lambda text: text if text in words else None)


def name(longest: int, characters: str) -> Rule:
    """A short text of characters that need no quoting anywhere."""
    legal = re.compile(rf"[{characters}]{{1,{longest}}}")
    return Rule(
        f"1 to {longest} of the characters {characters}", lambda text: text if legal.fullmatch(text) else None
    )


def secret(shortest: int, longest: int) -> Rule:
    """Any text, measured in bytes."""
    return Rule(
        f"text of {shortest:,} to {longest:,} bytes",
        lambda text: text if shortest <= len(text.encode()) <= longest else None,
        may_be_shown=False,
    )


def url(rules: UrlRules) -> Rule:
    """The URL of a store, without what is overruled."""
    return Rule(rules.legal, lambda text: rules.cleaned(text.strip()), may_be_shown=False)


@dataclass(frozen=True)
class Setting:
    """One environment variable. `default` is None if it is required."""

    name: str
    default: int | str | None
    rule: Rule
    meaning: str

    def parse(self, text: str | None) -> int | str:
        """Give the value for the environment's text; empty counts as unset. Raises ConfigError."""
        if text is None or not text.strip():
            if self.default is None:
                raise ConfigError(f"{self.name} is required and must be {self.rule.legal}.")
            return self.default
        if not is_unicode(text):
            raise ConfigError(f"{self.name} must be UTF-8, and {self.rule.legal}.")
        try:
            value = self.rule.read(text)
        except UrlError as error:
            raise ConfigError(f"{self.name} {error}") from error
        if value is None:
            shown = f", not {text[:40]!r}" if self.rule.may_be_shown else ""
            raise ConfigError(f"{self.name} must be {self.rule.legal}{shown}.")
        return value

    def documented(self) -> str:
        """Give the setting's row in the table of docs/server.md."""
        default = "required" if self.default is None else f"`{self.default}`"
        return f"| `{self.name}` | {default} | {self.rule.legal} | {self.meaning} |"
