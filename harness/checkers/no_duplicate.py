"""no-duplicate: a consumer receives a message once; one `client_message_id` is one message.

A poll repeated with the same cursor because its first answer was lost is not a duplicate: the consumer never
had that answer. A consumer that does not use the cursor it was given is the harness's own mistake, and not a
finding. Neither is the message at an inclusive cursor, nor a retry that the target does not recognise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from itertools import takewhile

from harness.checkers.consumers import Consumer, consumers_of
from harness.checkers.findings import at, conclude, finding
from harness.checkers.messages import Delivery, Matched, Message, match
from harness.checkers.suspected_causes import SuspectedCause
from harness.history import NS_PER_S, History, Poll, Send
from harness.history.operations import OK, REFUSED
from harness.semantics import Semantics
from harness.verdict import Finding, Judgement

PROMISE = "no-duplicate"


def no_duplicate(history: History) -> Judgement:
    """Judge the promise over one history."""
    matched = match(history)
    consumers = consumers_of(history)
    findings: list[Finding] = []
    doubts: list[str] = []
    for consumer in consumers:
        if len(consumer.firsts) == len(consumer.deliveries):
            continue
        strayed = _times_strayed(consumer)
        for former, again in _repeated(consumer):
            if consumer.scale.is_inclusive and _is_at_cursor(consumer, again):
                continue
            if strayed[again.poll.op] > strayed[former.poll.op]:
                doubts.append(_harness_mistake(history, consumer, again.poll))
            else:
                findings.append(_delivered_twice(history, consumer, former, again))
    findings.extend(_two_ids(history, matched))
    delivered = sum(len(consumer.deliveries) for consumer in consumers)
    evidence = {"delivered": delivered, "messages": len(matched.messages), "consumers": len(consumers)}
    if not delivered:
        doubts.append("no message was delivered, so none could be delivered twice")
    return conclude(history, PROMISE, findings, evidence, doubt=doubts[0] if doubts else "")


def _repeated(consumer: Consumer) -> Iterator[tuple[Delivery, Delivery]]:
    seen: dict[str, Delivery] = {}
    for delivery in consumer.deliveries:
        former = seen.setdefault(delivery.received.id, delivery)
        if former is not delivery:
            yield former, delivery


def _is_at_cursor(consumer: Consumer, again: Delivery) -> bool:
    """Whether a message is the one that the cursor of its poll names, or was the last before that poll."""
    cursor, scale = again.poll.since, consumer.scale
    if cursor is None:
        return False
    if scale.compares:
        position = scale.of_message(again.received)
        return position is not None and position == scale.of_cursor(cursor)
    before = takewhile(lambda delivery: delivery.place < again.place, consumer.deliveries)
    last = reduce(lambda _, delivery: delivery.received.id, before, "")
    return again.received.id in (cursor, last)


def _times_strayed(consumer: Consumer) -> dict[int, int]:
    """Return how often, up to each operation, the consumer did not use the cursor of the answer before.

    What a consumer receives again after that, it may have asked for.
    """
    times: dict[int, int] = {}
    given = consumer.first.since
    count, is_same = 0, consumer.scale.is_same
    for poll in consumer.polls:
        count += not is_same(poll.since, given)
        times[poll.op] = count
        if poll.outcome is OK:
            given = poll.next_since
    return times


def _harness_mistake(history: History, consumer: Consumer, poll: Poll) -> str:
    return (
        f"until {at(history, poll.start_ns)} {consumer.name} did not always poll with the cursor it had been "
        "given: a repeated message after that is the harness's own mistake"
    )


def _delivered_twice(history: History, consumer: Consumer, former: Delivery, again: Delivery) -> Finding:
    what = again.message.name if again.message else f"message '{again.received.id}'"
    sentence = (
        f"{consumer.name} received {what} (id {again.received.id}) at {at(history, former.poll.end_ns)} and "
        f"again at {at(history, again.poll.end_ns)}, with the cursor {again.poll.since}."
    )
    sends = again.message.events[-4:] if again.message else ()
    return finding(PROMISE, "delivered_twice", sentence, (former.poll.event, again.poll.event, *sends))


def _two_ids(history: History, matched: Matched) -> Iterator[Finding]:
    """Find every message with more than one id, in acks or in any reader's polls."""
    same = _same_client_ids(matched.messages) if history.semantics.retry != "none" else {}
    if matched.is_one_to_one and not same:
        return
    first: dict[Message, str] = {}
    several = {one for one, id_, _ in _sightings(matched, same) if first.setdefault(one, id_) != id_}
    known: dict[Message, dict[str, Send | Poll]] = {}
    for message, id_, seen in _sightings(matched, same) if several else ():
        if message in several:
            known.setdefault(message, {}).setdefault(id_, seen)
    for message, ids in known.items():
        attempts = [
            send for one in matched.messages if same.get(one, one) is message for send in one.attempts
        ]
        if len(ids) <= _ids_allowed(attempts, history.semantics):
            continue
        shown = ", ".join(f"{id_} at {at(history, seen.end_ns or 0)}" for id_, seen in list(ids.items())[:4])
        sentence = f"{message.name} was one message, but has {len(ids)} ids: {shown}."
        seen_in = [seen.event if isinstance(seen, Poll) else seen.events[-1] for seen in ids.values()]
        events = (*seen_in, *message.events)
        yield finding(PROMISE, "two_ids", sentence, events, SuspectedCause.DOUBLE_WRITE.value)


def _ids_allowed(attempts: Iterable[Send], semantics: Semantics) -> int:
    """Return how many messages the attempts may have become: each that was tried when no key held.

    A key holds from some time during the first attempt on, so it surely does where an attempt ended in time.
    """
    tries = [attempt for attempt in attempts if attempt.outcome is not REFUSED]
    if semantics.retry == "none":
        return max(1, len(tries))
    if semantics.key_holds_s is None or not tries:
        return 1
    held_ns = tries[0].start_ns + semantics.key_holds_s * NS_PER_S
    return 1 + sum(attempt.end_ns is None or attempt.end_ns > held_ns for attempt in tries[1:])


def _sightings(
    matched: Matched, same: Mapping[Message, Message]
) -> Iterator[tuple[Message, str, Send | Poll]]:
    """Yield every id that a message was given: in acks, then in polls."""
    for message in matched.messages:
        for attempt in message.attempts:
            if attempt.id is not None:
                yield same.get(message, message), attempt.id, attempt
    for deliveries in matched.deliveries.values():
        for delivery in deliveries:
            if delivery.message is not None:
                message = same.get(delivery.message, delivery.message)
                yield message, delivery.received.id, delivery.poll


def _same_client_ids(messages: Iterable[Message]) -> dict[Message, Message]:
    """Map each message to the first one with its `client_message_id`: they are one (contract: Send)."""
    first: dict[tuple[str, str], Message] = {}
    later: dict[Message, Message] = {}
    for message in messages:
        if message.client_message_id is not None:
            key = (message.sender, message.client_message_id)
            if (one := first.setdefault(key, message)) is not message:
                later[message] = one
    return later
