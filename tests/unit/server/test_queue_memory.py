"""The in-memory queue keeps the queue's contract."""

from __future__ import annotations

import pytest

from reference_server.adapters.memory import MemoryQueue
from tests.contracts.queue_contract import BOB, LIMIT, Lose, QueueContract


class TestMemoryQueue(QueueContract):
    @pytest.fixture
    def queue(self) -> MemoryQueue:
        return MemoryQueue(limit=LIMIT)

    @pytest.fixture
    def lose(self, queue: MemoryQueue) -> Lose:
        return lambda: queue.lose(BOB)
