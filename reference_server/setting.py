"""Settings and their rules. A rule parses text from the environment and describes the legal values."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from reference_server.contract import is_unicode
from reference_server.store_url import UrlError, UrlRules, cleaned, legal_urls


class ConfigError(ValueError):
    """A setting is missing or illegal. The text is one sentence with the variable and its legal values."""


@dataclass(frozen=True)
class Rule:
    """A rule for values."""

    legal: str
    """The legal values, as the end of a sentence: "a whole number from 1 to 64"."""
    read: Callable[[str], int | str | None]
    """Returns the value, or None for an illegal text. May raise UrlError, which says more than `legal`."""
    may_be_shown: bool = True
    """False if a value, even an illegal one, may contain a secret."""


def whole_number(low: int, high: int) -> Rule:
    """Return the rule for a number in decimal digits; both bounds are legal."""

    def read(text: str) -> int | None:
        text = text.strip()
        is_number = text.isascii() and text.isdigit() and len(text) < 20
        return int(text) if is_number and low <= int(text) <= high else None

    return Rule(f"a whole number from {low:,} to {high:,}", read)


def one_of(*words: str) -> Rule:
    """Return the rule for one of these words."""
    return Rule("one of " + ", ".join(words), lambda text: text if text in words else None)


def name(longest: int, characters: str) -> Rule:
    """Return the rule for a short name of characters that never need quoting."""
    legal = re.compile(rf"[{characters}]{{1,{longest}}}")
    return Rule(
        f"1 to {longest} of the characters {characters}", lambda text: text if legal.fullmatch(text) else None
    )


def secret(shortest: int, longest: int) -> Rule:
    """Return the rule for any text of so many bytes."""
    return Rule(
        f"text of {shortest:,} to {longest:,} bytes",
        lambda text: text if shortest <= len(text.encode()) <= longest else None,
        may_be_shown=False,
    )


def url(*kinds: UrlRules) -> Rule:
    """Return the rule for the URL of a store; its value is the URL without overruled parameters."""
    return Rule(legal_urls(kinds), lambda text: cleaned(text.strip(), kinds), may_be_shown=False)


@dataclass(frozen=True)
class Setting:
    """One environment variable. `default` is None if it is required."""

    name: str
    default: int | str | None
    rule: Rule
    meaning: str

    def parse(self, text: str | None) -> int | str:
        """Return the value of the environment's text; empty text counts as unset. Raise ConfigError."""
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
