"""no-duplicate, order and no-phantom by brute force: every arrival against every other and every message."""

from __future__ import annotations

from itertools import combinations, pairwise

from harness.history import History, Outcome, Poll, Received

from .definitions import (
    BROKEN,
    CANNOT_TELL,
    KEPT,
    UNPROVEN,
    Allowed,
    Message,
    ambiguous,
    arrivals,
    first_arrivals,
    matches,
    messages,
    moment,
)

Consumer = tuple[Poll, ...]


def no_duplicate(history: History) -> Allowed:
    """A consumer returns a message once; one `client_message_id` is one message."""
    if ambiguous(history):
        return CANNOT_TELL
    if any(len(_ids(sent, history)) > 1 for sent in messages(history)) or _reused_client_id(history):
        return BROKEN
    repetitions = [
        consumer[early : late + 1]
        for consumer in history.consumers().values()
        for late in range(len(consumer))
        for early in range(late + 1)
        if _brings_again(consumer[early], consumer[late])
    ]
    if any(_handed_on(polls) for polls in repetitions):
        return BROKEN
    return KEPT if arrivals(history.polls) and not repetitions else UNPROVEN


def _ids(sent: Message, history: History) -> set[str]:
    seen = {arrival.id for _, arrival in arrivals(history.polls) if sent in matches(arrival, history)}
    return seen | sent.ids


def _reused_client_id(history: History) -> bool:
    """Whether two stored messages of one sender carry one client_message_id."""
    return any(
        one.sender == other.sender
        and one.client_message_id is not None
        and one.client_message_id == other.client_message_id
        and len(_ids(one, history) | _ids(other, history)) > 1
        for one, other in combinations(messages(history), 2)
    )


def _brings_again(early: Poll, late: Poll) -> bool:
    """Whether a poll brought what an earlier one had brought, or one thing twice by itself."""
    ids = [received.id for received in late.messages]
    if early is late:
        return len(set(ids)) < len(ids)
    return any(received.id in ids for received in early.messages)


def _handed_on(consumer: Consumer) -> bool:
    """Whether every poll sent the cursor that the last answer before it had given."""
    given = consumer[0].since
    for poll in consumer:
        if moment(poll.since) != moment(given):
            return False
        if poll.outcome is Outcome.OK:
            given = poll.next_since
    return True


def order(history: History) -> Allowed:
    """One sender's messages arrive in the order of their acks; two readers see one order."""
    if ambiguous(history):
        return CANNOT_TELL
    consumers = list(history.consumers().values())
    if any(_contradicts_acks(consumer, history) or _falls(consumer) for consumer in consumers):
        return BROKEN
    if any(_disagree(one, other) for one, other in combinations(consumers, 2)):
        return BROKEN
    return KEPT if any(len(first_arrivals(consumer)) > 1 for consumer in consumers) else UNPROVEN


def _contradicts_acks(consumer: Consumer, history: History) -> bool:
    """Whether something came before what had been acked when it was begun."""
    return any(
        early.sender == late.sender
        and early.recipient == late.recipient
        and early.acked_ns is not None
        and late.acked_ns is not None
        and late.acked_ns < early.begun_ns
        for one, other in combinations(first_arrivals(consumer), 2)
        for early in matches(one, history)
        for late in matches(other, history)
    )


def _falls(consumer: Consumer) -> bool:
    came = first_arrivals(consumer)
    return any(_not_rising(one, other) for one, other in pairwise(came))


def _not_rising(one: Received, other: Received) -> bool:
    if one.seq is not None and other.seq is not None and other.seq <= one.seq:
        return True
    at, then = moment(one.timestamp), moment(other.timestamp)
    return at is not None and then is not None and then <= at


def _disagree(one: Consumer, other: Consumer) -> bool:
    """Whether two consumers of one mailbox had two messages in opposite orders."""
    if one[0].reader != other[0].reader:
        return False
    there = [received.id for received in first_arrivals(other)]
    here = [received.id for received in first_arrivals(one) if received.id in there]
    return any(there.index(a) > there.index(b) for a, b in combinations(here, 2))


def no_phantom(history: History) -> Allowed:
    """Only what was sent arrives, unchanged, at its recipient alone; nothing that was refused."""
    came = arrivals(history.polls)
    if any(not _is_right(poll, arrival, history) for poll, arrival in came):
        return BROKEN
    return KEPT if came else UNPROVEN


def _is_right(poll: Poll, arrival: Received, history: History) -> bool:
    """Whether exactly this was sent to this reader, and not refused."""
    return any(
        not sent.refused
        and sent.begun_ns <= poll.end_ns
        and poll.reader == arrival.recipient == sent.recipient
        and (arrival.sender, arrival.content) == (sent.sender, sent.content)
        for sent in matches(arrival, history)
    )
