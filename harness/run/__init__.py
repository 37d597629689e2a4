"""`run`: what a scenario uses. Users, traffic, faults, waiting, checks; everything is recorded.

A scenario reads top-down as a story; see `harness/scenarios/`.
"""

from harness.run.broken import CertainlyBroken, Deadline, Inconclusive, PromiseBroken, certain
from harness.run.conversations import LOOK_AGAIN_S, Pair
from harness.run.run import Run

__all__ = [
    "LOOK_AGAIN_S",
    "CertainlyBroken",
    "Deadline",
    "Inconclusive",
    "Pair",
    "PromiseBroken",
    "Run",
    "certain",
]
