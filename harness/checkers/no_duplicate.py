"""no-duplicate: a chain of polls returns a message once; one `client_message_id` is one message.

A poll repeated with the same cursor because its first answer was lost is no duplicate: the chain never had
that answer. A chain that was handed a cursor and did not use it is the harness's own mistake, and no finding.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.chains import Chain, chains_of
from harness.checkers.cursors import instant
from harness.checkers.mechanisms import Mechanism
from harness.checkers.messages import Delivery, Matched, Message, match
from harness.checkers.telling import at, conclude, finding
from harness.history import Event, History, Outcome, Poll
from harness.verdict import Finding, Judgement

PROMISE = "no-duplicate"


def no_duplicate(history: History) -> Judgement:
    """Judge the promise over one history."""
    matched = match(history)
    chains = chains_of(history)
    findings: list[Finding] = []
    doubts: list[str] = []
    for chain in chains:
        astray = _times_astray(chain)
        for former, again in _repeated(chain):
            if astray[again.poll.op] > astray[former.poll.op]:
                doubts.append(_harness_mistake(history, chain, again.poll))
            else:
                findings.append(_delivered_twice(history, chain, former, again))
    findings.extend(_two_ids(history, matched))
    delivered = sum(len(chain.deliveries) for chain in chains)
    evidence = {"delivered": delivered, "messages": len(matched.messages), "chains": len(chains)}
    if not delivered:
        doubts.append("no message was delivered, so none could be delivered twice")
    return conclude(PROMISE, findings, evidence, doubt=doubts[0] if doubts else "")


def _repeated(chain: Chain) -> Iterator[tuple[Delivery, Delivery]]:
    seen: dict[str, Delivery] = {}
    for delivery in chain.deliveries:
        former = seen.setdefault(delivery.received.id, delivery)
        if former is not delivery:
            yield former, delivery


def _times_astray(chain: Chain) -> dict[int, int]:
    """How often, up to each operation, the chain had not handed on the cursor of the answer before.

    What a chain receives again after it went astray once, it may have asked for.
    """
    times: dict[int, int] = {}
    handed: str | None = None
    count = 0
    for poll in chain.polls:
        count += handed is not None and poll.since != handed and instant(poll.since) != instant(handed)
        times[poll.op] = count
        if poll.outcome is Outcome.OK:
            handed = poll.next_since
    return times


def _harness_mistake(history: History, chain: Chain, poll: Poll) -> str:
    return (
        f"until {at(history, poll.start_ns)} {chain.name} did not always poll from the cursor it had been "
        "handed: a repeated message after that is the harness's own mistake"
    )


def _delivered_twice(history: History, chain: Chain, former: Delivery, again: Delivery) -> Finding:
    what = again.message.name if again.message else f"message '{again.received.id}'"
    sentence = (
        f"{chain.name} received {what} (id {again.received.id}) at {at(history, former.poll.end_ns)} and "
        f"again at {at(history, again.poll.end_ns)}, from the cursor {again.poll.since}."
    )
    sends = again.message.events[-4:] if again.message else ()
    return finding(PROMISE, "delivered_twice", sentence, (former.poll.event, again.poll.event, *sends))


def _two_ids(history: History, matched: Matched) -> Iterator[Finding]:
    """Every message that goes by more than one id, in acks or in any reader's polls."""
    known: dict[object, dict[str, Event]] = {}
    names: dict[object, Message] = {}
    for message in matched.messages:
        key = _identity(message)
        names.setdefault(key, message)
        for attempt in message.attempts:
            if attempt.id is not None:
                known.setdefault(key, {}).setdefault(attempt.id, attempt.events[-1])
    for delivery in (delivery for all_ in matched.deliveries.values() for delivery in all_):
        if delivery.message is not None:
            ids = known.setdefault(_identity(delivery.message), {})
            ids.setdefault(delivery.received.id, delivery.poll.event)
    for key, ids in known.items():
        if len(ids) > 1:
            first = list(ids.items())[:4]
            sightings = ", ".join(f"{id_} at {at(history, event['t'])}" for id_, event in first)
            sentence = f"{names[key].name} was one message, but goes by {len(ids)} ids: {sightings}."
            events = (*ids.values(), *names[key].events)
            yield finding(PROMISE, "two_ids", sentence, events, Mechanism.DOUBLE_WRITE.value)


def _identity(message: Message) -> object:
    """What makes sends one message: the sender's own id, whatever the content (contract: Send)."""
    if message.client_message_id is None:
        return message
    return message.sender, message.client_message_id
