"""The contract's limits that no setting changes, and what it calls a text (docs/contract.md)."""

from __future__ import annotations

import re

USERNAME_LENGTH = range(3, 65)
"""In characters, as are the others."""
PASSWORD_LENGTH = range(8, 129)
CLIENT_MESSAGE_ID_LENGTH = range(1, 65)
PAGE_SIZE = range(1, 101)
"""In messages."""
DEFAULT_PAGE_SIZE = 50
LONGEST_WAIT_S = 25
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")


def is_unicode(text: str) -> bool:
    """Whether it holds no half of a surrogate pair, such as a byte that is not UTF-8 is read as."""
    return not _HALF_A_PAIR.search(text)


def spelled(legal: range) -> str:
    """The range in words, both bounds included: "3 to 64"."""
    return f"{legal.start} to {legal.stop - 1}"
