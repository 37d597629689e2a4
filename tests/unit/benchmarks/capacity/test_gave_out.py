"""What gave out first, by processor time and by how long the stores took."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.capacity.gave_out import gave_out, is_in_time
from benchmarks.capacity.steps import GENERATOR, MONGODB, OTHERS, REDIS, SERVER

from .made import load, machine


@pytest.mark.parametrize(
    ("said", "group"),
    [
        ({"server": 0.95}, SERVER),
        ({"server": 0.5, "mongodb": 0.45}, SERVER),
        ({"server": 0.3, "mongodb": 0.65}, MONGODB),
        ({"server": 0.2, "redis": 0.75}, REDIS),
        ({"for_servers": 3, "processors": 4, "redis": 0.97}, REDIS),
        ({"store_p99_ms": {REDIS: 2.0, MONGODB: 450.0}}, MONGODB),
        ({"store_p99_ms": {REDIS: 260.0, MONGODB: 120.0}}, REDIS),
        ({"generator": 0.93}, GENERATOR),
        ({"generator": 0.93, "server": 0.99}, GENERATOR),
        ({"others": 0.6, "server": 0.6, "generator": 0.2}, OTHERS),
        ({"others": 0.4, "server": 0.3, "generator": 0.1}, SERVER),
    ],
)
def test_the_group_that_could_do_no_more_gave_out(said: dict[str, Any], group: str) -> None:
    assert gave_out(load(), machine(**said)) == group


def test_where_all_others_had_room_it_was_the_server() -> None:
    assert gave_out(load(), machine(server=0.01)) == SERVER


def test_of_a_server_elsewhere_only_the_generator_is_known() -> None:
    elsewhere = machine(cores={GENERATOR: 0.3}, store_p99_ms={}, others=0.9)
    assert gave_out(load(), elsewhere) == SERVER, "what uses this machine does not slow that one"
    assert gave_out(load(), machine(cores={GENERATOR: 0.95}, store_p99_ms={})) == GENERATOR


@pytest.mark.parametrize(
    ("missed", "lag_ms", "expected"), [(3, 5.0, True), (4, 5.0, False), (0, 260.0, False)]
)
def test_a_generator_is_in_time_if_it_misses_one_of_a_thousand_at_most(
    missed: int, lag_ms: float, expected: bool
) -> None:
    assert is_in_time(load(missed_arrivals=missed, lag_p99_ms=lag_ms)) is expected


def test_a_generator_that_was_late_gave_out_whatever_the_server_did() -> None:
    assert gave_out(load(missed_arrivals=50), machine(server=0.99)) == GENERATOR
