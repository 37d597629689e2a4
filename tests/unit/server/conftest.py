"""Fixtures of the server's unit tests: see world.py and http_app.py."""

from __future__ import annotations

import pytest

from tests.unit.server.http_app import Http
from tests.unit.server.world import Clock, Process, World


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def process(world: World) -> Process:
    return world.process()


@pytest.fixture
def http(world: World) -> Http:
    return Http(world)
