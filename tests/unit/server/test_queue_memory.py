"""The in-memory queue keeps the queue's contract."""

from __future__ import annotations

import pytest

from reference_server.adapters.memory import MemoryQueue
from tests.contracts.queue_contract import BOB, LIMIT, Epochs, Lose, QueueContract


class TestMemoryQueue(QueueContract):
    @pytest.fixture
    def queue(self, epochs: Epochs) -> MemoryQueue:
        queue = MemoryQueue(epochs, limit=LIMIT)
        queue.refresh()
        return queue

    @pytest.fixture
    def lose(self, queue: MemoryQueue) -> Lose:
        return lambda: queue.lose(BOB)
