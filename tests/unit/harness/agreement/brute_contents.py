"""no-duplicate, order and no-phantom by brute force: every arrival against every other and every message."""

from __future__ import annotations

from itertools import combinations, pairwise

from harness.history import NS_PER_S, History, Outcome, Poll, Received

from .definitions import (
    BROKEN,
    CANNOT_TELL,
    KEPT,
    UNPROVEN,
    Allowed,
    Message,
    ambiguous,
    arrivals,
    compares,
    first_arrivals,
    matches,
    messages,
    moment,
    place,
    place_of,
)

Consumer = tuple[Poll, ...]


def no_duplicate(history: History) -> Allowed:
    """A consumer returns a message once; one `client_message_id` is one message."""
    if ambiguous(history):
        return CANNOT_TELL
    if any(_has_too_many_ids(sent, history) for sent in messages(history)):
        return BROKEN
    repetitions = [
        consumer[early : late + 1]
        for consumer in history.consumers().values()
        for late in range(len(consumer))
        for early in range(late + 1)
        if _brings_again(consumer[: late + 1], early, history)
    ]
    if any(_handed_on(polls, history) for polls in repetitions):
        return BROKEN
    return KEPT if arrivals(history.polls) and not repetitions else UNPROVEN


def _ids(sent: Message, history: History) -> set[str]:
    seen = {arrival.id for _, arrival in arrivals(history.polls) if sent in matches(arrival, history)}
    return seen | sent.ids


def _has_too_many_ids(sent: Message, history: History) -> bool:
    """Whether it has more ids than messages its attempts can have become; with a key they are one."""
    semantics = history.semantics
    alike = [other for other in messages(history) if other == sent or _has_its_key(other, sent, history)]
    ids = {id_ for other in alike for id_ in _ids(other, history)}
    tries = sorted(
        (send for other in alike for send in other.attempts if send.outcome is not Outcome.REFUSED),
        key=lambda send: send.start_ns,
    )
    if semantics.retry == "none":
        return len(ids) > max(1, len(tries))
    if semantics.key_holds_s is None or not tries:
        return len(ids) > 1
    held_ns = tries[0].start_ns + round(semantics.key_holds_s * NS_PER_S)
    unheld = [send for send in tries[1:] if send.end_ns is None or send.end_ns > held_ns]
    return len(ids) > 1 + len(unheld)


def _has_its_key(other: Message, sent: Message, history: History) -> bool:
    """Whether two messages of one sender carry one client_message_id, and the server goes by it."""
    return (
        history.semantics.retry != "none"
        and sent.client_message_id is not None
        and (other.sender, other.client_message_id) == (sent.sender, sent.client_message_id)
    )


def _brings_again(consumer: Consumer, early: int, history: History) -> bool:
    """Whether the last poll brought what an earlier one had brought, or one thing twice by itself."""
    late = consumer[-1]
    ids = [one.id for one in late.messages if not _is_at_the_cursor(one, consumer, history)]
    if early == len(consumer) - 1:
        everything = [one.id for one in late.messages]
        return any(everything.count(id_) > 1 for id_ in ids)
    return any(received.id in ids for received in consumer[early].messages)


def _is_at_the_cursor(one: Received, consumer: Consumer, history: History) -> bool:
    """Whether it is at the last poll's inclusive cursor; if that cannot be compared, whether it came last."""
    cursor = consumer[-1].since
    if history.semantics.boundary == "exclusive" or cursor is None:
        return False
    if compares(history):
        at = place_of(one, history)
        return at is not None and at == place(cursor, history)
    came = [before.id for _, before in arrivals(consumer[:-1])]
    return one.id == cursor or came[-1:] == [one.id]


def _handed_on(consumer: Consumer, history: History) -> bool:
    """Whether every poll sent the cursor that the last answer before it had given."""
    given = consumer[0].since
    for poll in consumer:
        if poll.since != given and not (
            compares(history) and place(poll.since, history) == place(given, history)
        ):
            return False
        if poll.outcome is Outcome.OK:
            given = poll.next_since
    return True


def order(history: History) -> Allowed:
    """One sender's messages arrive in the order of their acks; two readers see one order."""
    if ambiguous(history):
        return CANNOT_TELL
    names = dict.fromkeys(poll.consumer for poll in history.polls)
    consumers = [tuple(poll for poll in history.polls if poll.consumer == name) for name in names]
    is_total = history.semantics.order == "total"
    if any(_contradicts_acks(consumer, history) for consumer in consumers):
        return BROKEN
    if is_total and any(_falls(consumer, history) for consumer in consumers):
        return BROKEN
    if is_total and any(_disagree(one, other) for one, other in combinations(consumers, 2)):
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


def _falls(consumer: Consumer, history: History) -> bool:
    came = first_arrivals(consumer)
    return any(_not_rising(one, other, history) for one, other in pairwise(came))


def _not_rising(one: Received, other: Received, history: History) -> bool:
    if one.seq is not None and other.seq is not None and other.seq <= one.seq:
        return True
    at, then = moment(one.timestamp), moment(other.timestamp)
    if history.semantics.cursor != "timestamp" or at is None or then is None:
        return False
    return then < at or (then == at and history.semantics.boundary == "exclusive")


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
