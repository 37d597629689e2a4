"""What a consumer must receive, by brute force."""

from __future__ import annotations

from harness.history import NS_PER_S, History, Outcome, Poll

from .definitions import Message, messages, place, places, received

Consumer = tuple[Poll, ...]


def answers(consumer: Consumer) -> list[Poll]:
    """The polls of a consumer that were answered."""
    return [poll for poll in consumer if poll.outcome is Outcome.OK]


def is_expected(sent: Message, consumer: Consumer, history: History) -> bool:
    """Whether it asked for the message, and no gap was reported when retention might have dropped it."""
    if not wanted(sent, consumer, history):
        return False
    if not history.semantics.gap_signalled:
        return received(consumer, sent, history) or not _was_dropped(sent, consumer, history)
    for_cursors = history.policy.older_cursors == "gap"
    gaps = [answer for answer in answers(consumer) if answer.gap and (answer.since is None or for_cursors)]
    excused = any(covers(gap, sent, history) and is_droppable(sent, gap.end_ns, history) for gap in gaps)
    return not excused or received(consumer, sent, history)  # retention has spared it


def _was_dropped(sent: Message, consumer: Consumer, history: History) -> bool:
    """Whether retention may have dropped it by the first answer after it that said that there was no more."""
    since_ns = sent.begun_ns if sent.acked_ns is None else sent.acked_ns
    read = [answer for answer in answers(consumer) if answer.start_ns >= since_ns and not answer.has_more]
    return is_droppable(sent, (read[0] if read else consumer[-1]).end_ns, history)


def wanted(sent: Message, consumer: Consumer, history: History) -> bool:
    """Those of its mailbox, newer than the cursor it began with, begun before its end."""
    first, last = consumer[0], consumer[-1]
    if first.reader != sent.recipient or sent.begun_ns > last.end_ns:
        return False
    return first.since is None or _is_newer(sent, first, history)


def covers(gap: Poll, sent: Message, history: History) -> bool:
    """Whether the gap that this answer reported can be where the message was: after the cursor."""
    known, cursor_at = places(sent, history), place(gap.since, history)
    return cursor_at is None or not known or any(at > cursor_at for at in known)


def _is_newer(sent: Message, poll: Poll, history: History) -> bool:
    """Whether it is newer than the poll's cursor; where either is no time, it was begun after the poll."""
    known, cursor_at = places(sent, history), place(poll.since, history)
    if not known or cursor_at is None:
        return sent.begun_ns > poll.start_ns
    return any(at > cursor_at for at in known)


def is_droppable(sent: Message, told_ns: int, history: History) -> bool:
    """Whether as many others as are retained may have come after it before the gap was reported."""
    if history.semantics.retention == "none":
        return False
    if history.semantics.retention == "age":
        return sent.begun_ns + history.semantics.retained_for_s * NS_PER_S < told_ns
    newer = [
        other
        for other in messages(history)
        if other != sent
        and other.recipient == sent.recipient
        and not other.refused
        and other.begun_ns < told_ns
        and (other.acked_ns is None or other.acked_ns > sent.begun_ns)
    ]
    return sent.begun_ns < told_ns and len(newer) >= history.bounds.retained_messages
