"""The in-memory store keeps the store's contract."""

from __future__ import annotations

import pytest

from reference_server.adapters.memory import MemoryStore
from tests.contracts.store_contract import WINDOW, Delete, EpochOf, StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore(window=WINDOW)

    @pytest.fixture
    def delete(self, store: MemoryStore) -> Delete:
        def delete(recipient: str, seq: int) -> None:
            store.messages[:] = [
                message for message in store.messages if message.recipient != recipient or message.seq > seq
            ]

        return delete

    @pytest.fixture
    def outbox(self, store: MemoryStore) -> MemoryStore:
        return store

    @pytest.fixture
    def epoch_of(self, store: MemoryStore) -> EpochOf:
        return store.epoch

    @pytest.fixture
    def users(self, store: MemoryStore) -> MemoryStore:
        return store
