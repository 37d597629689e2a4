"""The contract's limits that no setting changes, and its rule for text (see docs/contract.md)."""

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
    """Return False for an unpaired surrogate, such as Python may read from bytes that are not UTF-8."""
    return not _HALF_A_PAIR.search(text)


def spelled(legal: range) -> str:
    """Return the range in words, with both bounds: "3 to 64"."""
    return f"{legal.start} to {legal.stop - 1}"
