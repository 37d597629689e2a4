"""order: one sender's messages arrive in the order they were acked; two readers see the same order.

Two messages have an order only if the first was acked before the second was begun: of two concurrent ones,
either may come first. Readers who share a mailbox's messages, as reading deletes them, are judged one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, pairwise
from operator import le, lt
from typing import Any

from harness.checkers.consumers import Consumer, by_reader, single_consumers
from harness.checkers.findings import at, conclude, finding
from harness.checkers.messages import Delivery, Message
from harness.checkers.suspected_causes import of_order, of_timestamps
from harness.history import History, Outcome
from harness.history.instants import instant
from harness.verdict import Finding, Judgement

PROMISE = "order"


def order(history: History) -> Judgement:
    """Judge the promise over one history."""
    consumers = single_consumers(history)
    findings: list[Finding] = []
    is_total = history.semantics.order == "total"
    for consumer in consumers:
        if not consumer.may_be_unordered:
            continue
        findings.extend(_out_of_order(history, consumer))
        if is_total:
            findings.extend(_numbers_not_rising(history, consumer))
    for readers in by_reader(consumers).values() if is_total else ():
        for one, other in combinations(readers, 2):
            findings.extend(_disagreement(history, one, other))
    seen = [len(consumer.firsts) for consumer in consumers]
    compared, delivered = sum(max(0, count - 1) for count in seen), sum(seen)
    evidence = {"consumers": len(consumers), "delivered": delivered, "compared": compared}
    doubt = "" if compared else "no reader received two messages, so there was no order to check"
    return conclude(history, PROMISE, findings, evidence, doubt=doubt)


def _numbers_not_rising(history: History, consumer: Consumer) -> Iterator[Finding]:
    """Find seqs that do not rise, and timestamps, if they are the cursor."""
    yield from _not_rising(history, consumer, "seq", consumer.seqs)
    if history.semantics.cursor == "timestamp":
        timestamps = [instant(delivery.received.timestamp) for delivery in consumer.firsts]
        yield from _not_rising(
            history, consumer, "timestamp", timestamps, le if consumer.scale.is_inclusive else lt
        )


def _out_of_order(history: History, consumer: Consumer) -> Iterator[Finding]:
    """Find messages that arrive after one of the same sender that was begun only after their ack."""
    latest: dict[tuple[str, str], Message] = {}
    for message, delivery in consumer.arrivals.items():
        if message.outcome is not Outcome.OK or message.ack_ns is None:
            continue
        pair = (message.sender, message.recipient)
        earlier = latest.get(pair)
        if earlier is not None and message.ack_ns < earlier.first_start_ns:
            yield _overtaken(history, consumer, delivery, message, earlier)
        if earlier is None or message.first_start_ns > earlier.first_start_ns:
            latest[pair] = message


def _overtaken(
    history: History, consumer: Consumer, delivery: Delivery, message: Message, overtaker: Message
) -> Finding:
    before = consumer.arrivals[overtaker]
    sentence = (
        f"{consumer.name} received {overtaker.name}, begun at {at(history, overtaker.first_start_ns)}, "
        f"before {message.name}, which had been acked at {at(history, message.ack_ns or 0)}."
    )
    events = (before.poll.event, delivery.poll.event, *message.events[-4:], *overtaker.events[-4:])
    return finding(PROMISE, "out_of_order", sentence, events, of_order(history, message, overtaker))


def _not_rising(
    history: History,
    consumer: Consumer,
    what: str,
    numbers: Sequence[Any],
    rises: Callable[[Any, Any], bool] = lt,
) -> Iterator[Finding]:
    """Find successive deliveries whose numbers do not rise; no-duplicate reports messages served twice."""
    known = [pair for pair in zip(numbers, consumer.firsts, strict=True) if pair[0] is not None]
    for (before, former), (now, delivery) in pairwise(known):
        if not rises(before, now):
            yield _falling(history, consumer, what, former, delivery)


def _falling(
    history: History, consumer: Consumer, what: str, former: Delivery, delivery: Delivery
) -> Finding:
    old, new = former.received, delivery.received
    sentence = (
        f"{consumer.name} received message '{new.id}' with {what} {getattr(new, what)} at "
        f"{at(history, delivery.poll.end_ns)}, after message '{old.id}' with {what} {getattr(old, what)}."
    )
    suspected_cause = of_timestamps(instant(old.timestamp), instant(new.timestamp))
    events = (former.poll.event, delivery.poll.event)
    return finding(PROMISE, f"{what}_not_rising", sentence, events, suspected_cause)


def _disagreement(history: History, one: Consumer, other: Consumer) -> Iterator[Finding]:
    """Find the first two messages that two readers of one mailbox saw in different orders."""
    seen, seen_by_other = one.first_ids, other.first_ids
    if seen == seen_by_other:
        return  # mostly they have read the same
    places = {id_: place for place, id_ in enumerate(seen)}
    former: str | None = None
    for id_ in seen_by_other:
        if id_ not in places:
            continue
        if former is not None and places[id_] < places[former]:
            yield _disagree(history, one, other, id_, former)
            return
        former = id_


def _disagree(history: History, one: Consumer, other: Consumer, first: str, second: str) -> Finding:
    sightings = [
        d for consumer in (one, other) for d in consumer.deliveries if d.received.id in (first, second)
    ]
    sentence = (
        f"{one.name} received message '{first}' before '{second}', and {other.name}, of the same mailbox "
        f"{one.reader}, received them the other way round (by {at(history, sightings[-1].poll.end_ns)})."
    )
    return finding(PROMISE, "readers_disagree", sentence, [delivery.poll.event for delivery in sightings])
