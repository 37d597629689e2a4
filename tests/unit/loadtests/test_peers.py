"""Messages between users of different processes: the sender's process learns what became of each."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from harness.adapters import Message
from harness.client import Malformed
from harness.history import Bounds, Outcome
from loadtests.clocks import Clock
from loadtests.deliveries import Arrival, Delivered, Deliveries
from loadtests.figures import Figures
from loadtests.peers import Exchange, Peers

MS = 1_000_000
S = 1000 * MS


def clock_ahead_by(ns: int, error_ns: int = 0) -> Clock:
    clock = Clock(is_the_master_s=False)
    clock.heard(0, ns + error_ns, 2 * error_ns)
    return clock


@dataclass
class Process:
    """One worker, without Locust and without a server."""

    id: str
    exchange: Exchange
    others: dict[str, Process]
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.deliveries = Deliveries(Figures(), Bounds())
        self.ended: list[Delivered] = []
        self.peers = Peers([], self.deliveries.origin, self.clock, is_alone=False)
        self.others[self.id] = self

    @property
    def counts(self) -> Any:
        return self.deliveries.figures.counts

    def tell(self) -> None:
        """Tell the master, which passes the news on, as text."""
        news = json.loads(json.dumps(self.peers.to_master(self.deliveries.under_way())))
        for worker, told in self.exchange.take(self.id, news).items():
            self.others[worker].hear(json.loads(json.dumps(told)))

    def hear(self, told: dict[str, Any]) -> None:
        self.peers.from_master(told, arrived=self._arrived, gone=self._gone)

    def _arrived(self, message: Message, mailbox: str, arrival: Arrival) -> None:
        delivered = self.deliveries.arrived(message, mailbox, arrival)
        self.ended += [delivered] if delivered else []

    def _gone(self, name: str, polled_ns: int) -> None:
        self.ended += self.deliveries.give_up(name, polled_ns, 99 * S)

    def send(self, recipient: str, acked_ns: int = 0) -> Message:
        number = self.deliveries.due("ann", recipient, 0)
        self.deliveries.answered(number, Outcome.OK, acked_ns)
        token = self.deliveries.token(number)
        return Message("id", "ann", recipient, f"load {token}", client_message_id=token)


def two(clock: Clock | None = None) -> tuple[Process, Process]:
    exchange, others = Exchange(), dict[str, Process]()
    one, other = Process("w1", exchange, others), Process("w2", exchange, others, clock or Clock())
    one.peers.join("ann")
    other.peers.join("bob")
    for process in (one, other, one):
        process.tell()
    return one, other


def test_every_process_knows_the_users_of_all() -> None:
    one, other = two()
    assert sorted(one.peers.usernames) == sorted(other.peers.usernames) == ["ann", "bob"]
    other.peers.leave("bob")
    other.tell()
    assert one.peers.usernames == ["ann"]
    late = Process("w3", one.exchange, one.others)
    late.tell()
    assert late.peers.usernames == ["ann"]


def test_what_another_process_received_is_counted_by_the_one_that_sent_it() -> None:
    one, other = two()
    message = one.send("bob", acked_ns=1 * S)
    assert other.peers.took(message, "bob", Arrival(4 * S))
    assert one.deliveries.under_way() == 1
    other.tell()
    assert one.deliveries.under_way() == 0
    assert one.counts["late"] == 1
    assert other.counts["late"] == 0


def test_times_of_another_clock_are_turned_into_ones_own() -> None:
    one, other = two(clock_ahead_by(-500 * S, error_ns=5 * MS))
    message = one.send("bob", acked_ns=1 * S)
    other.peers.took(message, "bob", Arrival(501 * S + 1_500 * MS))
    other.tell()
    assert one.ended == [Delivered(2_500 * MS)]
    assert one.counts["late"] == 0


@pytest.mark.parametrize(
    ("since_ack_ms", "count"), [(1990, "delivered"), (1998, "undecidable"), (2003, "undecidable")]
)
def test_what_is_late_by_less_than_the_clocks_error_is_undecidable(since_ack_ms: int, count: str) -> None:
    one, other = two(clock_ahead_by(0, error_ns=5 * MS))
    message = one.send("bob")
    other.peers.took(message, "bob", Arrival(since_ack_ms * MS))
    other.tell()
    assert one.counts[count] == 1
    assert one.counts["late"] == 0


def test_a_message_of_this_process_or_of_no_one_is_not_a_peers() -> None:
    one, other = two()
    assert not one.peers.took(one.send("bob"), "bob", Arrival(1 * S))
    stranger = Message("id", "ann", "bob", "load 0123456789ab-0")
    assert not other.peers.took(stranger, "bob", Arrival(1 * S))


def test_a_message_that_another_process_received_twice_is_a_duplicate() -> None:
    one, other = two()
    message = one.send("bob")
    other.peers.took(message, "bob", Arrival(1 * S))
    other.peers.took(message, "bob", Arrival(2 * S))
    with pytest.raises(Malformed, match="for the second time"):
        other.tell()
    assert one.counts["duplicates"] == 1


def test_what_a_user_of_another_process_never_received_is_lost() -> None:
    one, other = two()
    one.send("bob")
    other.peers.leave("bob")
    other.peers.gone("bob", 5 * S)
    other.tell()
    assert one.counts["missing"] == 1
    assert one.deliveries.under_way() == 0


def test_what_was_sent_to_users_of_a_lost_worker_is_undecided_and_awaited_no_more() -> None:
    one, _ = two()
    one.send("bob")
    told = one.exchange.lose({"w1"})
    assert list(told) == ["w1"]
    one.hear(json.loads(json.dumps(told["w1"])))
    assert one.peers.usernames == ["ann"]
    assert one.counts["undecided"] == 1
    assert one.counts["missing"] == 0
    assert one.exchange.lose({"w1"}) == {}


def test_a_run_is_quiet_when_nothing_of_any_living_worker_is_on_its_way() -> None:
    one, other = two()
    assert one.exchange.is_quiet({"w1", "w2"})
    message = one.send("bob")
    one.tell()
    assert not one.exchange.is_quiet({"w1", "w2"})
    assert one.exchange.is_quiet({"w2"})
    assert not one.exchange.is_quiet({"w1", "w2", "never heard of"})
    other.peers.took(message, "bob", Arrival(1 * S))
    other.tell()
    one.tell()
    assert one.exchange.is_quiet({"w1", "w2"})
    one.exchange.forget()
    assert not one.exchange.is_quiet({"w1"})
