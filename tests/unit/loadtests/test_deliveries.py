"""What happened to each message of a load test is counted exactly, whatever comes first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.adapters import Message
from harness.client import Malformed
from harness.history import Bounds, Outcome
from loadtests.deliveries import Arrival, Delivered, Deliveries, patience_ns
from loadtests.figures import Figures

MS = 1_000_000
S = 1000 * MS
BOUNDS = Bounds()


def new(**more: Any) -> Deliveries:
    return Deliveries(Figures(), BOUNDS, **more)


def message(deliveries: Deliveries, number: int, **changed: Any) -> Message:
    token = deliveries.token(number)
    plain = Message("id", "ann", "bob", deliveries.content(number), client_message_id=token)
    return replace(plain, **changed)


def chat(deliveries: Deliveries, *, acked_ns: int, arrived: Arrival) -> Delivered | None:
    number = deliveries.due("ann", "bob", 0)
    deliveries.answered(number, Outcome.OK, acked_ns)
    return deliveries.arrived(message(deliveries, number), "bob", arrived)


@pytest.mark.parametrize(
    ("since_ack_ns", "late"),
    [(2 * S - 1, 0), (2 * S, 0), (2 * S + 1, 1), (1999 * MS, 0), (2001 * MS, 1)],
)
def test_lateness_is_decided_by_the_nanosecond(since_ack_ns: int, late: int) -> None:
    deliveries = new()
    chat(deliveries, acked_ns=5 * MS, arrived=Arrival(5 * MS + since_ack_ns))
    assert deliveries.figures.counts["late"] == late


def test_a_delivery_is_late_from_its_ack_and_its_latency_is_from_when_it_was_intended() -> None:
    deliveries = new()
    delivered = chat(deliveries, acked_ns=3 * S, arrived=Arrival(4 * S))
    assert delivered == Delivered(4 * S)
    assert deliveries.figures.percentile_ms("delivery", 50) == pytest.approx(4000, abs=0.5)
    assert deliveries.figures.percentile_ms("since_ack", 50) == pytest.approx(1000, abs=0.5)


def test_what_a_reader_lost_by_itself_is_not_the_servers_delay() -> None:
    deliveries = new()
    chat(deliveries, acked_ns=0, arrived=Arrival(3 * S, lag_ns=1500 * MS))
    chat(deliveries, acked_ns=0, arrived=Arrival(9 * S, reader_since_ns=8 * S))
    assert deliveries.figures.counts["late"] == 0


def test_within_the_error_of_the_clocks_nothing_is_decided() -> None:
    deliveries = new()
    chat(deliveries, acked_ns=0, arrived=Arrival(2 * S + 3 * MS, error_ns=5 * MS))
    chat(deliveries, acked_ns=0, arrived=Arrival(2 * S - 3 * MS, error_ns=5 * MS))
    chat(deliveries, acked_ns=0, arrived=Arrival(2 * S + 6 * MS, error_ns=5 * MS))
    assert deliveries.figures.counts["undecidable"] == 2
    assert deliveries.figures.counts["late"] == 1


def test_what_a_busy_machine_explains_is_counted_as_excused() -> None:
    deliveries = new(excuses=lambda start_ns, end_ns: start_ns <= 1 * S <= end_ns)
    chat(deliveries, acked_ns=0, arrived=Arrival(3 * S))
    chat(deliveries, acked_ns=4 * S, arrived=Arrival(7 * S))
    assert deliveries.figures.counts["late_excused"] == 1
    assert deliveries.figures.counts["much_too_late_excused"] == 0
    chat(deliveries, acked_ns=0, arrived=Arrival(9 * S))
    assert deliveries.figures.counts["much_too_late_excused"] == 1
    assert deliveries.figures.counts["late"] == 1


def test_a_message_is_lost_if_its_reader_polled_on_for_long_enough() -> None:
    deliveries = new()
    number = deliveries.due("ann", "bob", 0)
    deliveries.answered(number, Outcome.OK, 5 * MS)
    (lost,) = deliveries.give_up("bob", 3 * S, 9 * S)
    assert str(lost.problem) == "never delivered"
    assert deliveries.figures.counts["missing"] == 1
    assert deliveries.under_way() == 0
    assert not deliveries.awaited_by("bob")


def test_a_message_whose_reader_stopped_too_early_is_undecided() -> None:
    deliveries = new()
    number = deliveries.due("ann", "bob", 0)
    assert deliveries.awaited_by("bob")
    deliveries.answered(number, Outcome.OK, 5 * S)
    assert deliveries.give_up("bob", 6 * S, 9 * S) == []
    assert deliveries.figures.counts["undecided"] == 1
    assert deliveries.figures.counts["missing"] == 0


def test_what_many_polls_have_not_brought_is_lost_while_the_test_goes_on() -> None:
    deliveries = new()
    number = deliveries.due("ann", "bob", 0)
    assert deliveries.overdue("bob", 99 * S, 99 * S) == []  # it is still being sent
    deliveries.answered(number, Outcome.OK, 1 * S)
    assert deliveries.overdue("bob", 8 * S, 8 * S) == []
    (lost,) = deliveries.overdue("bob", 9 * S, 9 * S)
    assert str(lost.problem) == "never delivered"
    assert deliveries.figures.counts["missing"] == 1
    assert not deliveries.awaited_by("bob")


def test_what_counted_as_lost_and_arrives_after_all_was_much_too_late() -> None:
    deliveries = new()
    number = deliveries.due("ann", "bob", 0)
    deliveries.answered(number, Outcome.OK, 1 * S)
    deliveries.overdue("bob", 9 * S, 9 * S)
    found = deliveries.arrived(message(deliveries, number), "bob", Arrival(20 * S))
    assert found is not None
    assert str(found.problem) == "later than 2 s"
    counts = deliveries.figures.counts
    assert (counts["missing"], counts["late"], counts["much_too_late"], counts["delivered"]) == (0, 1, 1, 1)
    with pytest.raises(Malformed, match="for the second time"):
        deliveries.arrived(message(deliveries, number), "bob", Arrival(21 * S))


@pytest.mark.parametrize("is_first", ["ack", "arrival"])
def test_an_ack_and_an_arrival_make_one_delivery_whichever_comes_first(is_first: str) -> None:
    deliveries = new()
    number = deliveries.due("ann", "bob", 0)
    if is_first == "ack":
        assert deliveries.answered(number, Outcome.OK, 1 * S) is None
        ended = deliveries.arrived(message(deliveries, number), "bob", Arrival(2 * S))
    else:
        assert deliveries.arrived(message(deliveries, number), "bob", Arrival(2 * S)) is None
        ended = deliveries.answered(number, Outcome.OK, 3 * S)
    assert ended == Delivered(2 * S)
    assert deliveries.figures.counts["delivered"] == 1
    with pytest.raises(Malformed, match="for the second time"):
        deliveries.arrived(message(deliveries, number), "bob", Arrival(4 * S))
    assert deliveries.figures.counts["duplicates"] == 1


def test_a_send_of_unknown_outcome_owes_nothing_and_may_arrive_once() -> None:
    deliveries = new()
    number = deliveries.due("ann", "bob", 0)
    deliveries.answered(number, Outcome.UNKNOWN, 5 * S)
    assert deliveries.give_up("bob", 9 * S, 9 * S) == []
    assert deliveries.arrived(message(deliveries, number), "bob", Arrival(9 * S)) is None
    with pytest.raises(Malformed, match="for the second time"):
        deliveries.arrived(message(deliveries, number), "bob", Arrival(9 * S))


@pytest.mark.parametrize("arrives", ["before its answer", "after it"])
def test_a_refused_send_must_not_arrive(arrives: str) -> None:
    deliveries = new()
    number = deliveries.due("ann", "bob", 0)
    if arrives == "before its answer":
        deliveries.arrived(message(deliveries, number), "bob", Arrival(1 * S))
        deliveries.answered(number, Outcome.REFUSED, 2 * S)
    else:
        deliveries.answered(number, Outcome.REFUSED, 1 * S)
        with pytest.raises(Malformed, match="was refused"):
            deliveries.arrived(message(deliveries, number), "bob", Arrival(2 * S))
    assert deliveries.figures.counts["phantoms"] == 1


@pytest.mark.parametrize(
    ("changed", "mailbox", "said"),
    [
        ({"content": "of no one"}, "bob", "never sent"),
        ({"content": "load 0123456789ab-0"}, "bob", "never sent"),
        ({}, "eve", "of another mailbox"),
        ({"recipient": "eve"}, "bob", "of another mailbox"),
        ({"sender": "eve"}, "bob", "another sender"),
        ({"client_message_id": "x"}, "bob", "another client_message_id"),
    ],
)
def test_what_was_not_sent_like_that_is_a_phantom_and_what_was_acked_stays_owed(
    changed: dict[str, str], mailbox: str, said: str
) -> None:
    deliveries = new()
    number = deliveries.due("ann", "bob", 0)
    deliveries.answered(number, Outcome.OK, 5 * MS)
    with pytest.raises(Malformed, match=said):
        deliveries.arrived(message(deliveries, number, **changed), mailbox, Arrival(1 * S))
    assert deliveries.figures.counts["phantoms"] == 1
    assert len(deliveries.give_up("bob", 9 * S, 9 * S)) == 1


def test_a_number_that_was_never_given_is_a_phantom() -> None:
    deliveries = new()
    with pytest.raises(Malformed, match="never sent"):
        deliveries.arrived(message(deliveries, 0), "bob", Arrival(1 * S))


def test_a_server_that_does_not_promise_it_may_repeat_a_message_that_names_no_sender() -> None:
    deliveries = new(may_repeat=True)
    number = deliveries.due("ann", "bob", 0)
    deliveries.answered(number, Outcome.OK, 0)
    nameless = message(deliveries, number, sender="", client_message_id=None)
    assert deliveries.arrived(nameless, "bob", Arrival(1 * S)) is not None
    assert deliveries.arrived(nameless, "bob", Arrival(2 * S)) is None
    assert deliveries.figures.counts["duplicates"] == 0


def test_memory_is_kept_for_what_is_under_way_alone() -> None:
    deliveries = new()
    for _ in range(1000):
        chat(deliveries, acked_ns=0, arrived=Arrival(1 * S))
    assert deliveries.under_way() == 0
    assert not deliveries.awaited_by("bob")


def test_no_one_waits_for_a_message_for_ever() -> None:
    assert patience_ns(BOUNDS) == 8 * S
