"""Consumers with which nothing can be wrong are not looked at closely: a look at them would find nothing."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from harness.checkers import cursor, no_phantom, order
from harness.checkers.consumers import consumers_of
from harness.history import Event, History

from .histories import event_lists


@settings(
    max_examples=300, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(event_lists())
def test_a_close_look_at_every_consumer_finds_nothing_more(events: list[Event]) -> None:
    usual, suspicious = History.from_events(events), History.from_events(events)
    for consumer in consumers_of(suspicious):
        consumer.may_be_wrong = consumer.may_be_unordered = consumer.may_be_passed = True
    for checker in (order, cursor, no_phantom):
        assert checker(usual) == checker(suspicious)
