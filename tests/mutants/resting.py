"""Mutants of the relay's rest: how often a worker asks the stores."""

from __future__ import annotations

from reference_server import rhythm
from reference_server.rhythm import Rhythm
from tests.mutants.registry import mutant

SELDOM_S = 60.0


@mutant(row="CHAOS-48", promise="no-loss")
def rest_relied_on():
    """The first poll after a rest relies on what the worker knew before it."""
    rhythm.REST_INTERVAL_S = SELDOM_S
    Rhythm.attend = lambda self: None
