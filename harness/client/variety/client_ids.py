"""The ids that clients give their messages, by class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random


def _usual_id(random: Random) -> str:
    return f"{random.getrandbits(64):016x}"


def _one_character(random: Random) -> str:
    return random.choice("0aZ-") if random.random() < 0.1 else chr(random.randrange(0x4E00, 0x9FA0))


def _longest_id(random: Random) -> str:
    return f"{random.getrandbits(256):064x}"


def _odd(random: Random) -> str:
    frames = ('%s "%s"', "%%41+%s&%s=", "{%s}\\%s", "é\u0301%s\U0001f642%s", "../%s:%s", "$%s.%s", " %s %s ")
    return random.choice(frames) % (f"{random.getrandbits(32):x}", random.choice(["null", "0", "a"]))


def _digits(random: Random) -> str:
    return f"00{random.getrandbits(60)}"


CLIENT_IDS: Mapping[str, Callable[[Random], str] | None] = {
    "a usual id": _usual_id,
    "none": None,
    "one character": _one_character,
    "64 characters": _longest_id,
    "odd characters": _odd,
    "digits": _digits,
    "another sender's": None,
    "another case": None,
}
"""How a new `client_message_id` of each class is made; None: no id, or from a used one."""
USUAL_ID = "a usual id"
