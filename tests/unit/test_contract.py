"""docs/contract.md says the numbers and names that the server and the harness have."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.checkers import PROMISES, Demand
from harness.history import Bounds
from reference_server.adapters.queue_limits import QUEUE_CHARACTERS
from reference_server.config import Config
from reference_server.contract import (
    CLIENT_MESSAGE_ID_LENGTH,
    DEFAULT_PAGE_SIZE,
    LONGEST_WAIT_S,
    PAGE_SIZE,
    USERNAME_LENGTH,
    spelled,
)

CONTRACT = (Path(__file__).parents[2] / "docs" / "contract.md").read_text(encoding="utf-8")
CONFIG = Config.from_env({"SECRET_KEY": "s" * 32})
DAYS = CONFIG.queue_ttl_seconds // 86_400
BOUNDS = Bounds()


@pytest.mark.parametrize(
    "sentence",
    [
        f"| `to_username` | {spelled(USERNAME_LENGTH)} characters",
        f"| `client_message_id` | optional, {spelled(CLIENT_MESSAGE_ID_LENGTH)} characters",
        f"at most {CONFIG.message_limit:,} characters; every Unicode text",
        f"| `limit` | {spelled(PAGE_SIZE)}, default {DEFAULT_PAGE_SIZE};",
        f"may be held open, 0 to {LONGEST_WAIT_S}, default 0",
        f'"poll_after_ms": {CONFIG.poll_interval_ms}',
        f"the last {CONFIG.queue_limit:,} messages are retained, for {DAYS} days",
        f"at most {CONFIG.queue_limit:,} entries, TTL {DAYS} days",
        f"refuses messages of over {QUEUE_CHARACTERS:,} characters",
        f"delivered within {BOUNDS.delivered_within_s:g} s of its ack",
        f"to a client that polls every {BOUNDS.poll_interval_s:g} s",
        f"as the table below says, within {BOUNDS.answers_within_s:g} s",
        f"{BOUNDS.recovers_within_s:g} s after a fault heals",
        f"a queue has at most {BOUNDS.retained_messages:,} entries",
    ],
)
def test_the_contract_says_the_numbers_of_the_code(sentence: str) -> None:
    assert sentence in CONTRACT


def test_the_contract_names_every_promise_but_those_of_single_rows() -> None:
    of_all = {promise.name for promise in PROMISES if promise.demand is not Demand.BY_NAME}
    named = {line.split("`")[1] for line in CONTRACT.splitlines() if line.startswith("| `")}
    assert of_all <= named
