"""retention-told by brute force: every message that retention might have dropped, every gap."""

from __future__ import annotations

from harness.history import History, Poll

from .brute_losses import cannot_tell, is_later, passes
from .definitions import (
    BROKEN,
    CANNOT_TELL,
    KEPT,
    UNPROVEN,
    Allowed,
    Message,
    compares,
    messages,
    place,
    place_of,
    received,
)
from .expected import Consumer, answers, covers, is_droppable, wanted


def retention_told(history: History) -> Allowed:
    """The server says `gap` where retention dropped messages, and nowhere else."""
    if cannot_tell(history):
        return CANNOT_TELL
    consumers = list(history.consumers().values())
    gaps = [(consumer, answer) for consumer in consumers for answer in answers(consumer) if answer.gap]
    if any(not _may_be_right(gap, consumer, history) for consumer, gap in gaps):
        return BROKEN
    behind = [
        (sent, consumer)
        for consumer in consumers
        for sent in messages(history)
        if sent.acked_ns is not None
        and wanted(sent, consumer, history)
        and _was_behind(sent, consumer, history)
    ]
    if any(not _was_admitted(sent, consumer, history) for sent, consumer in behind):
        return BROKEN
    return KEPT if behind or gaps else UNPROVEN


def _skipping(sent: Message, consumer: Consumer, history: History) -> Poll | None:
    """The first answer whose cursor passed it; if none did, the first with a later message."""
    passing = [poll for poll in consumer if passes(poll, sent, history)]
    behind = [
        poll
        for poll in answers(consumer)
        if any(
            received((poll,), other, history) and is_later(other, sent, history)
            for other in messages(history)
        )
    ]
    return next(iter(passing + behind), None)


def _was_behind(sent: Message, consumer: Consumer, history: History) -> bool:
    """Whether retention might have dropped it when the consumer came to where it is or was."""
    if received(consumer, sent, history):
        brought = next(poll for poll in consumer if received((poll,), sent, history))
        return is_droppable(sent, brought.start_ns, history)
    skipping = _skipping(sent, consumer, history)
    return skipping is not None and is_droppable(sent, skipping.end_ns, history)


def _was_admitted(sent: Message, consumer: Consumer, history: History) -> bool:
    """Whether it came, or the answer that skipped it, or an earlier one, had a gap that can cover it."""
    if received(consumer, sent, history):
        return True
    skipping = _skipping(sent, consumer, history)
    assert skipping is not None
    return any(
        answer.gap
        and answer.start_ns <= skipping.start_ns
        and covers(answer, sent, history)
        and is_droppable(sent, answer.end_ns, history)
        for answer in answers(consumer)
    )


def _may_be_right(gap: Poll, consumer: Consumer, history: History) -> bool:
    """Whether anything after the cursor of a gap may have been dropped, or the consumer had gone back."""
    return _has_gone_back(gap, consumer, history) or any(
        covers(gap, sent, history)
        and not received(consumer, sent, history)
        and _may_be_gone(sent, gap, history)
        for sent in messages(history)
        if sent.recipient == gap.reader and not sent.refused
    )


def _may_be_gone(sent: Message, gap: Poll, history: History) -> bool:
    if sent.acked_ns is not None or received(history.polls, sent, history):
        return sent.begun_ns < gap.end_ns
    return is_droppable(sent, gap.end_ns, history)


def _has_gone_back(gap: Poll, consumer: Consumer, history: History) -> bool:
    """Whether an earlier answer of the consumer brought something from after the cursor."""
    if not compares(history):
        before = [poll for poll in consumer if poll.start_ns < gap.start_ns]
        given = [None, *(poll.next_since for poll in answers(tuple(before)))][-1]
        return any(poll.messages for poll in before) and gap.since != given
    cursor_at = place(gap.since, history)
    if gap.since is not None and cursor_at is None:
        return False
    came = [one for poll in consumer if poll.start_ns < gap.start_ns for one in poll.messages]
    known = [at for at in (place_of(one, history) for one in came) if at is not None]
    return any(cursor_at is None or at > cursor_at for at in known)
