"""What a setting may be: rules that read text from the environment, or say what would be legal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from reference_server.store_url import UrlError, UrlRules


class ConfigError(ValueError):
    """A setting is missing or illegal. The text is one sentence: the variable, and what would be legal."""


class Rule(Protocol):
    """A kind of value."""

    @property
    def legal(self) -> str:
        """What is legal, as the end of a sentence: "a whole number from 1 to 64"."""

    @property
    def may_be_shown(self) -> bool:
        """False if a value, even an illegal one, may be or hold a secret."""

    def read(self, text: str) -> int | str | None:
        """Give the value, or None if the text is illegal."""


@dataclass(frozen=True)
class WholeNumber:
    """A number in decimal digits; both bounds are legal."""

    low: int
    high: int
    may_be_shown: bool = True

    @property
    def legal(self) -> str:
        """See Rule."""
        return f"a whole number from {self.low:,} to {self.high:,}"

    def read(self, text: str) -> int | None:
        """See Rule."""
        text = text.strip()
        is_number = text.isascii() and text.isdigit() and len(text) < 20
        return int(text) if is_number and self.low <= int(text) <= self.high else None


@dataclass(frozen=True)
class OneOf:
    """One of a few words."""

    words: tuple[str, ...]
    may_be_shown: bool = True

    @property
    def legal(self) -> str:
        """See Rule."""
        return "one of " + ", ".join(self.words)

    def read(self, text: str) -> str | None:
        """See Rule."""
        return text if text in self.words else None


@dataclass(frozen=True)
class Name:
    """A short text of characters that need no quoting anywhere."""

    longest: int
    characters: str
    may_be_shown: bool = True

    @property
    def legal(self) -> str:
        """See Rule."""
        return f"1 to {self.longest} of the characters {self.characters}"

    def read(self, text: str) -> str | None:
        """See Rule."""
        return text if re.fullmatch(rf"[{self.characters}]{{1,{self.longest}}}", text) else None


@dataclass(frozen=True)
class Secret:
    """Any text, measured in bytes."""

    shortest: int
    longest: int
    may_be_shown: bool = False

    @property
    def legal(self) -> str:
        """See Rule."""
        return f"text of {self.shortest:,} to {self.longest:,} bytes"

    def read(self, text: str) -> str | None:
        """See Rule."""
        size = len(text.encode())
        return text if self.shortest <= size <= self.longest else None


@dataclass(frozen=True)
class Url:
    """The URL of a store, without what is overruled."""

    rules: UrlRules
    may_be_shown: bool = False

    @property
    def legal(self) -> str:
        """See Rule."""
        return self.rules.legal

    def read(self, text: str) -> str:
        """See Rule. Raises UrlError, which says more than what would be legal."""
        return self.rules.cleaned(text.strip())


def _is_unicode(text: str) -> bool:
    """Whether no byte of it had to be escaped when it was read as UTF-8."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


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
        if not _is_unicode(text):
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
