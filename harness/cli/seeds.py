"""Several seeds on the command line."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError

from harness.option_types import count

_PART = re.compile(r"\s*(-?\d+)(?:-(\d+))?\s*", re.ASCII)
_MOST = 1_000_000


def seeds_from(text: str) -> tuple[int, ...]:
    """Return the seeds that '7', '1-20' or '3,17,20-22' names, each once. Raise ValueError."""
    seeds: list[int] = []
    for part in text.split(","):
        found = _PART.fullmatch(part)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if last < first:
            raise ValueError(f"{text!r} does not name seeds: they are written 7, 1-20 or 3,17,20-22")
        if last - first >= _MOST:
            raise ValueError(f"{text!r} names more than {_MOST} seeds")
        seeds += range(first, last + 1)
    return tuple(dict.fromkeys(seeds))


def seeds(text: str) -> tuple[int, ...]:
    """Return the seeds that an option's text names. Raise ArgumentTypeError."""
    try:
        return seeds_from(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def first_seeds(text: str) -> tuple[int, ...]:
    """Return the seeds from 1 to the number that an option's text is. Raise ArgumentTypeError."""
    return seeds(f"1-{count(text)}")
