"""The interface between the scenarios and the wire: what a user asks, and what came back.

A server that speaks HTTP needs none of this: its profile's `[wire]` says how. For any other, a profile names
a class of yours, `adapter = "mine.py:MyAdapter"`, which is an `Adapter`.
"""

from harness.adapters.base import Adapter, Site
from harness.adapters.manners import Asked, Manner
from harness.adapters.results import (
    Ack,
    Answer,
    Failed,
    Message,
    NotStored,
    Page,
    Refused,
    Result,
    Said,
    Session,
    Unavailable,
)

__all__ = [
    "Ack",
    "Adapter",
    "Answer",
    "Asked",
    "Failed",
    "Manner",
    "Message",
    "NotStored",
    "Page",
    "Refused",
    "Result",
    "Said",
    "Session",
    "Site",
    "Unavailable",
]
