"""What a load test demands of an answer, beyond what an adapter reads out of it.

Anything else is a Malformed, whose text Locust shows and counts. Each kind of problem has one text without
values, by which Locust groups.
"""

from __future__ import annotations

from typing import TypeVar

from harness.client import Malformed, Page, Result, Said
from harness.history import Outcome

S = TypeVar("S", bound=Said)


def require(result: Result[S]) -> S:
    """Return what the answer says. Raise Malformed unless it is the right one."""
    if result.outcome is Outcome.OK:
        return result.said
    if result.status is None:
        raise Malformed(f"no answer: {result.error}")
    if result.error is not None:
        raise Malformed(result.error)
    raise Malformed(f"answered {result.status}")


def check_page(result: Result[Page]) -> None:
    """Raise Malformed where a page contradicts itself."""
    page = result.said
    if page.has_more and not page.messages:
        raise Malformed("has_more is true on an empty page")
    if result.body.get("count", len(page.messages)) != len(page.messages):
        raise Malformed("count is not the number of messages")
