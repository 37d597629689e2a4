"""Which promises are not judged, because the target's profile does not make them."""

from __future__ import annotations

from harness.checkers.retention_told import silently_dropped
from harness.history import History
from harness.semantics import Semantics


def not_promised(promise: str, history: History) -> str:
    """Return why a promise is not judged; '' if it is."""
    if history.client is not None:
        is_made = promise in history.client.promises
        return "" if is_made else f"the client's profile does not promise '{promise}'"
    if why := not_made(promise, history.semantics):
        dropped = silently_dropped(history) if promise == "retention-told" else 0
        return f"{why}; {dropped} messages were dropped without a signal" if dropped else why
    return ""


def is_made(promise: str, semantics: Semantics) -> bool:
    """Return whether a server with these semantics makes a promise."""
    return not not_made(promise, semantics)


def not_made(promise: str, semantics: Semantics) -> str:
    """Return why a server with these semantics does not make a promise; '' if it does."""
    if not semantics.promises_to(promise):
        return f"the target's profile does not list '{promise}' in its promises"
    if promise == "no-duplicate" and semantics.delivery == "at_least_once":
        return 'the target\'s profile says delivery = "at_least_once"'
    if promise in ("order", "contiguous") and semantics.order == "none":
        return 'the target\'s profile says order = "none"'
    if promise == "cursor" and semantics.is_destructive:
        return 'the target\'s profile says cursor = "none"'
    if promise == "retention-told" and not semantics.gap_signalled:
        return "the target's profile says gap_signalled = false"
    return ""
