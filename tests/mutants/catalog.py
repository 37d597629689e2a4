"""All mutants: importing this registers those of every mechanism."""

from tests.mutants import (
    access,
    durability,
    failing,
    input,
    mailboxes,
    operating,
    ordering,
    polling,
    queueing,
    retention,
    retries,
    timestamps,
    traffic,
    waiting,
)
from tests.mutants.registry import MUTANTS

__all__ = [
    "MUTANTS",
    "access",
    "durability",
    "failing",
    "input",
    "mailboxes",
    "operating",
    "ordering",
    "polling",
    "queueing",
    "retention",
    "retries",
    "timestamps",
    "traffic",
    "waiting",
]
