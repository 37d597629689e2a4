"""Kinds of values on a command line: each is checked before any work, and refused in one sentence.

The functions are for argparse's `type`: each returns the value of a text, or raises ArgumentTypeError.
"""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from collections.abc import Callable, Collection


def whole(text: str) -> int:
    """Return a whole number."""
    try:
        return int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a whole number") from None


def count(text: str) -> int:
    """Return a whole number from 1 on."""
    return _whole_from(1, math.inf, text)


def count_from_0(text: str) -> int:
    """Return a whole number from 0 on."""
    return _whole_from(0, math.inf, text)


def count_up_to(most: int) -> Callable[[str], int]:
    """Return the type of whole numbers from 1 to `most`."""
    return lambda text: _whole_from(1, most, text)


def above_0_up_to(most: float, unit: str) -> Callable[[str], float]:
    """Return the type of numbers above 0 and up to `most`, of this unit: "seconds", "minutes"."""

    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 < value <= most:
            raise ArgumentTypeError(f"{text!r} is not a number of {unit} above 0 and up to {most:.0f}")
        return value

    return number


def one_of(words: Collection[str]) -> Callable[[str], str]:
    """Return the type of these words."""

    def word(text: str) -> str:
        if text not in words:
            raise ArgumentTypeError(f"{text!r} is not one of {', '.join(words)}")
        return text

    return word


def _whole_from(least: int, most: float, text: str) -> int:
    digits = text.isascii() and text.isdigit() and len(text) <= 18  # more are no count of anything
    if not digits or not least <= int(text) <= most:
        bounds = f"from {least} on" if most == math.inf else f"from {least} to {most:.0f}"
        raise ArgumentTypeError(f"{text!r} is not a whole number {bounds}")
    return int(text)
