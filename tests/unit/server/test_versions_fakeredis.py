"""Workers of different versions at one mailbox, on a Redis in this process."""

from __future__ import annotations

import pytest
import redis

from tests.contracts.versions_contract import VersionsContract
from tests.unit.server.fake_redis import Client, Server


@pytest.fixture
def client() -> redis.Redis:
    return Client(Server())


class TestVersions(VersionsContract):
    pass
