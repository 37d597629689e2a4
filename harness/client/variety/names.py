"""Names that users may have, by class; each is new, of 3 to 64 characters, in Unicode's composed form."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence

USUAL = "a usual name"
NAMES = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy")
_LONGEST, _SHORTEST = 64, 3
_LETTERS = "".join(map(chr, (*range(0x4E00, 0x9FA0), *range(0xAC00, 0xD7A4))))
_UNICODE = (
    "\u017dofie",
    "\u674e",
    "\u0394\u03b7\u03bc\u03ae\u03c4\u03c1\u03b7\u03c2",
    "\u05d3\u05d5\u05d3",
    "\u0130pek",
    "stra\u00dfe",
)

# Not from the seed: a Redis that is not ours keeps the mailboxes of earlier runs.
Make = Callable[[str, Sequence[str]], str]
"""Makes a name from the usual one and the names of other users."""


def _usual(name: str, others: Sequence[str]) -> str:
    return name


def _longest(name: str, others: Sequence[str]) -> str:
    return name + "x" * (_LONGEST - len(name))


def _shortest(name: str, others: Sequence[str]) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_SHORTEST))


def _digits(name: str, others: Sequence[str]) -> str:
    return f"0{secrets.randbits(50)}"


def _number(name: str, others: Sequence[str]) -> str:
    return f"1e{secrets.randbits(40)}"


def _capitals(name: str, others: Sequence[str]) -> str:
    return name.upper()


def _marks(name: str, others: Sequence[str]) -> str:
    return f"-.{name}+_@example.org."


def _unicode(name: str, others: Sequence[str]) -> str:
    return f"{secrets.choice(_UNICODE)}_{name.rpartition('_')[2]}"


def _astral(name: str, others: Sequence[str]) -> str:
    return f"\U00020bb7\U0001d4b3{name}"


def _longer(name: str, others: Sequence[str]) -> str:
    """Return a name that begins with another's: they differ only in length."""
    return next(
        (f"{other}0" for other in others if len(other) < _LONGEST and f"{other}0" not in others), name
    )


def _other_case(name: str, others: Sequence[str]) -> str:
    """Return a name that differs from another's only in case."""
    swapped = (other.swapcase() for other in others if other.isascii())
    return next((other for other in swapped if other not in others), name)


USERNAMES: Mapping[str, Make] = {
    USUAL: _usual,
    "the longest": _longest,
    "the shortest": _shortest,
    "digits": _digits,
    "a number as JSON spells it": _number,
    "capitals": _capitals,
    "dots, hyphens, + and @": _marks,
    "other scripts": _unicode,
    "astral letters": _astral,
    "another's and more": _longer,
    "another's in another case": _other_case,
}
"""How a name of each class is made."""


def usual_name(place: int) -> str:
    """Return a new name of the usual kind for the user who comes in this place."""
    return f"{NAMES[place % len(NAMES)]}_{secrets.token_hex(4)}"
