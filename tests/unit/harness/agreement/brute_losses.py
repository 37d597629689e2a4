"""no-loss and cursor by brute force: every message against every answer of every consumer."""

from __future__ import annotations

from harness.history import NS_PER_S, History, Outcome, Poll
from harness.history.memoize import memoize

from .definitions import (
    BROKEN,
    CANNOT_TELL,
    KEPT,
    NOT_BROKEN,
    UNPROVEN,
    Allowed,
    Message,
    ambiguous,
    compares,
    faults,
    has_quiet_period,
    hidden,
    is_torn,
    messages,
    place,
    places,
    pressure_periods,
    received,
)
from .expected import Consumer, answers, is_expected


def no_loss(history: History) -> Allowed:
    """Every acked message reaches every later consumer of its recipient."""
    if cannot_tell(history):
        return CANNOT_TELL
    acked = [sent for sent in messages(history) if sent.acked_ns is not None]
    consumers = list(history.consumers().values())
    if any(_lost(sent, consumer, history) for sent in acked for consumer in consumers):
        return BROKEN
    if any(_stuck_on(sent, consumer, history) for sent in acked for consumer in consumers):
        return BROKEN
    if not acked or history.drained_ns is None:
        return UNPROVEN
    if any(_lacks_undecidedly(sent, consumer, history) for sent in acked for consumer in consumers):
        return UNPROVEN
    return KEPT if all(_looked_for(sent, consumers, history) for sent in acked) else UNPROVEN


def cursor(history: History) -> Allowed:
    """No answer's `next_since` passes a message that it, or an earlier answer, did not deliver."""
    if ambiguous(history) or _has_two_places(history):
        return CANNOT_TELL
    passes_it = _is_passed if compares(history) else _is_passed_unseen
    passed = any(
        is_expected(sent, consumer, history) and passes_it(sent, consumer, history)
        for consumer in history.consumers().values()
        for sent in messages(history)
        if _is_stored(sent, consumer[0].reader, history)
    )
    return BROKEN if passed else NOT_BROKEN


def _is_passed(sent: Message, consumer: Consumer, history: History) -> bool:
    """Whether some answer's cursor is at or after it, and neither that answer nor one before brought it."""
    return any(
        not received(consumer[:count], sent, history) and passes(poll, sent, history)
        for count, poll in enumerate(consumer, start=1)
    )


def _is_passed_unseen(sent: Message, consumer: Consumer, history: History) -> bool:
    """Whether others had it and it never came, although something later did, or it was due at the end."""
    others = [poll for poll in history.polls if poll.reader == sent.recipient]
    seen_ns = [poll.end_ns for poll in others if received((poll,), sent, history)]
    if received(consumer, sent, history) or not seen_ns:
        return False
    if _brought_later(sent, consumer, history):
        return True
    known = answers(consumer)
    moved = [poll for poll in known if poll.next_since != poll.since]
    if not moved or moved[-1].end_ns <= sent.begun_ns or known[-1].has_more:
        return False
    bound_ns = round(history.bounds.delivered_within_s * NS_PER_S)
    spans = faults(history) + pressure_periods(history)
    return has_quiet_period(spans, min(seen_ns), known[-1].start_ns, bound_ns)


def _is_stored(sent: Message, reader: str, history: History) -> bool:
    """Whether this message of this reader's was acked, or some reader had it."""
    if sent.recipient != reader or sent.refused:
        return False
    return sent.acked_ns is not None or received(history.polls, sent, history)


def _has_two_places(history: History) -> bool:
    """Whether an ack and an arrival differ on when a message was: who knows what a cursor passes."""
    return any(len(places(sent, history)) > 1 for sent in messages(history))


def _lost(sent: Message, consumer: Consumer, history: History) -> bool:
    if not _lacks(sent, consumer, history):
        return False
    return _is_skipped(sent, consumer, history) or _had_to_come(sent, consumer, history)


def _is_skipped(sent: Message, consumer: Consumer, history: History) -> bool:
    """Whether a cursor passed it, or a later message came."""
    return any(passes(poll, sent, history) for poll in consumer) or _brought_later(sent, consumer, history)


def _brought_later(sent: Message, consumer: Consumer, history: History) -> bool:
    return any(
        is_later(other, sent, history) and received(consumer, other, history)
        for other in messages(history)
        if other != sent
    )


def is_later(later: Message, sent: Message, history: History) -> bool:
    """Whether one message of a mailbox surely comes after another, of which it is known which one that is."""
    if later.recipient != sent.recipient or not (sent.ids or sent.client_message_id):
        return False
    if history.semantics.order == "none" or history.semantics.cursor == "none":
        return False
    both_acked = sent.acked_ns is not None and later.acked_ns is not None
    if both_acked and later.sender == sent.sender and later.begun_ns > (sent.acked_ns or 0):
        return True
    if history.semantics.order == "per_sender":
        return False
    if sent.seqs and later.seqs and max(sent.seqs) < min(later.seqs):
        return True
    here, there = places(sent, history), places(later, history)
    return bool(here and there and max(here) < min(there))


def cannot_tell(history: History) -> bool:
    """Whether messages have several timestamps, and it matters which."""
    return is_torn(history) or _is_entangled(history)


@memoize
def _is_entangled(history: History) -> bool:
    """Whether one message has timestamps before and after another's: who knows which of them is behind."""
    known = [places(sent, history) for sent in messages(history)]
    return any(
        min(some) <= at <= max(some)
        for place, some in enumerate(known)
        if len(some) > 1
        for other in known[:place] + known[place + 1 :]
        for at in other
    )


def _stuck_on(sent: Message, consumer: Consumer, history: History) -> bool:
    """Whether others had it, and this consumer got empty answers again and again after it was due."""
    if not _lacks(sent, consumer, history) or _is_skipped(sent, consumer, history):
        return False
    others = [
        poll
        for poll in history.polls
        if history.consumer_of(poll) != history.consumer_of(consumer[0]) and poll.reader == sent.recipient
    ]
    seen_ns = [poll.end_ns for poll in others if received((poll,), sent, history)]
    known = answers(consumer)
    last_full = max((place for place, poll in enumerate(known) if poll.messages), default=-1)
    empty = known[last_full + 1 :]
    if not seen_ns or not empty:
        return False
    bound_ns = round(history.bounds.delivered_within_s * NS_PER_S)
    before_ns = empty[-1].start_ns - bound_ns
    if before_ns < min(seen_ns) or not _is_due(sent, consumer, before_ns, history):
        return False
    counting = [
        poll
        for poll in empty
        if poll.start_ns >= min(seen_ns) and _is_due(sent, consumer, poll.start_ns, history)
    ]
    return len(counting) >= 3


def _lacks(sent: Message, consumer: Consumer, history: History) -> bool:
    return is_expected(sent, consumer, history) and not received(consumer, sent, history)


def _lacks_undecidedly(sent: Message, consumer: Consumer, history: History) -> bool:
    """Whether it is missing in a consumer that went on after the last ack, but not long enough."""
    return consumer[-1].start_ns >= _last_ack_ns(sent, history) and _lacks(sent, consumer, history)


def _looked_for(sent: Message, consumers: list[Consumer], history: History) -> bool:
    """Whether it came, or at least somebody read its mailbox to the end."""
    return any(
        received(consumer, sent, history) or _read_to_the_end(sent, consumer, history)
        for consumer in consumers
        if consumer[0].reader == sent.recipient
    )


def passes(poll: Poll, sent: Message, history: History) -> bool:
    cursor_at = place(poll.next_since, history)
    if poll.outcome is not Outcome.OK or cursor_at is None:
        return False
    if history.semantics.boundary == "inclusive":
        return any(cursor_at > at for at in places(sent, history))
    return any(cursor_at >= at for at in places(sent, history))


def _read_to_the_end(sent: Message, consumer: Consumer, history: History) -> bool:
    """Whether this consumer's last answer came after the mailbox's last ack, and there was nothing more."""
    known = answers(consumer)
    if not known or known[-1].has_more:
        return False
    return known[-1].start_ns >= _last_ack_ns(sent, history)


def _had_to_come(sent: Message, consumer: Consumer, history: History) -> bool:
    """Whether the mailbox was read to its end late enough for this message."""
    if history.drained_ns is None or not _read_to_the_end(sent, consumer, history):
        return False
    end_ns = answers(consumer)[-1].start_ns
    if any(start <= end_ns <= end for start, end in hidden(consumer, history)):
        return False
    return _is_due(sent, consumer, end_ns, history)


def _is_due(sent: Message, consumer: Consumer, by_ns: int, history: History) -> bool:
    """Whether an acked message had to be there, for its promised time or ten quick answers went by."""
    assert sent.acked_ns is not None
    bound_ns = round(history.bounds.delivered_within_s * NS_PER_S)
    if has_quiet_period(faults(history) + pressure_periods(history), sent.acked_ns, by_ns, bound_ns):
        return True
    seconds = {
        (poll.start_ns - sent.acked_ns) // NS_PER_S
        for poll in answers(consumer)
        if sent.acked_ns <= poll.start_ns <= by_ns and _is_quick_outside_faults(poll, history)
    }
    return len(seconds) >= 10


def _is_quick_outside_faults(poll: Poll, history: History) -> bool:
    took_s = (poll.end_ns - poll.start_ns) / NS_PER_S
    disturbed = any(start <= poll.end_ns and poll.start_ns <= end for start, end in faults(history))
    return took_s <= history.bounds.acceptable_round_trip_s and not disturbed


def _last_ack_ns(sent: Message, history: History) -> int:
    """When the last ack of its mailbox came."""
    acks = [other.acked_ns for other in messages(history) if other.recipient == sent.recipient]
    return max(acked_ns for acked_ns in acks if acked_ns is not None)
