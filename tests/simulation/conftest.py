"""What the tests of the simulation share."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.simulation.primitives import simulated


@pytest.fixture
def simulation() -> Iterator[None]:
    """The parts of the server that are simulated, and no log."""
    logging.disable(logging.CRITICAL)
    with simulated():
        yield
    logging.disable(logging.NOTSET)
