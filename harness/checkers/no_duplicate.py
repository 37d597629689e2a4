"""no-duplicate: a consumer of polls returns a message once; one `client_message_id` is one message.

A poll repeated with the same cursor because its first answer was lost is no duplicate: the consumer never had
that answer. A consumer that was handed a cursor and did not use it is the harness's own mistake, and no
finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from harness.checkers.consumers import Consumer, consumers_of
from harness.checkers.messages import Delivery, Matched, Message, match
from harness.checkers.suspected_causes import SuspectedCause
from harness.checkers.telling import at, conclude, finding
from harness.history import History, Outcome, Poll, Send
from harness.history.instants import instant
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
        astray = _times_astray(consumer)
        for former, again in _repeated(consumer):
            if astray[again.poll.op] > astray[former.poll.op]:
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


def _times_astray(consumer: Consumer) -> dict[int, int]:
    """How often, up to each operation, the consumer had not handed on the cursor of the answer before.

    What a consumer receives again after it went astray once, it may have asked for.
    """
    times: dict[int, int] = {}
    handed = consumer.first.since
    count = 0
    for poll in consumer.polls:
        count += poll.since != handed and instant(poll.since) != instant(handed)
        times[poll.op] = count
        if poll.outcome is Outcome.OK:
            handed = poll.next_since
    return times


def _harness_mistake(history: History, consumer: Consumer, poll: Poll) -> str:
    return (
        f"until {at(history, poll.start_ns)} {consumer.name} did not always poll from the cursor it had been "
        "handed: a repeated message after that is the harness's own mistake"
    )


def _delivered_twice(history: History, consumer: Consumer, former: Delivery, again: Delivery) -> Finding:
    what = again.message.name if again.message else f"message '{again.received.id}'"
    sentence = (
        f"{consumer.name} received {what} (id {again.received.id}) at {at(history, former.poll.end_ns)} and "
        f"again at {at(history, again.poll.end_ns)}, from the cursor {again.poll.since}."
    )
    sends = again.message.events[-4:] if again.message else ()
    return finding(PROMISE, "delivered_twice", sentence, (former.poll.event, again.poll.event, *sends))


def _two_ids(history: History, matched: Matched) -> Iterator[Finding]:
    """Every message that goes by more than one id, in acks or in any reader's polls."""
    namesakes = _namesakes(matched.messages)
    if matched.is_one_to_one and not namesakes:
        return
    first: dict[Message, str] = {}
    several = {one for one, id_, _ in _sightings(matched, namesakes) if first.setdefault(one, id_) != id_}
    known: dict[Message, dict[str, Send | Poll]] = {}
    for message, id_, seen in _sightings(matched, namesakes) if several else ():
        if message in several:
            known.setdefault(message, {}).setdefault(id_, seen)
    for message, ids in known.items():
        told = ", ".join(f"{id_} at {at(history, seen.end_ns or 0)}" for id_, seen in list(ids.items())[:4])
        sentence = f"{message.name} was one message, but goes by {len(ids)} ids: {told}."
        seen_in = [seen.event if isinstance(seen, Poll) else seen.events[-1] for seen in ids.values()]
        events = (*seen_in, *message.events)
        yield finding(PROMISE, "two_ids", sentence, events, SuspectedCause.DOUBLE_WRITE.value)


def _sightings(
    matched: Matched, namesakes: Mapping[Message, Message]
) -> Iterator[tuple[Message, str, Send | Poll]]:
    """Every id that was told of a message: in acks, then in polls."""
    for message in matched.messages:
        for attempt in message.attempts:
            if attempt.id is not None:
                yield namesakes.get(message, message), attempt.id, attempt
    for deliveries in matched.deliveries.values():
        for delivery in deliveries:
            if delivery.message is not None:
                message = namesakes.get(delivery.message, delivery.message)
                yield message, delivery.received.id, delivery.poll


def _namesakes(messages: Iterable[Message]) -> dict[Message, Message]:
    """The first message of a sender's own id, for each later one: the id makes them one (contract: Send)."""
    first: dict[tuple[str, str], Message] = {}
    later: dict[Message, Message] = {}
    for message in messages:
        if message.client_message_id is not None:
            key = (message.sender, message.client_message_id)
            if (one := first.setdefault(key, message)) is not message:
                later[message] = one
    return later
