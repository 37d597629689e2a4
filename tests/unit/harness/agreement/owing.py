"""What a chain is owed, by brute force."""

from __future__ import annotations

from harness.history import History, Outcome, Poll

from .reading import Message, messages, moment, received, timestamps

Chain = tuple[Poll, ...]


def answers(chain: Chain) -> list[Poll]:
    """The polls of a chain that were answered."""
    return [poll for poll in chain if poll.outcome is Outcome.OK]


def owed(sent: Message, chain: Chain, history: History) -> bool:
    """Those of its mailbox, newer than the cursor it began with, begun before its end, and retained."""
    first, last = chain[0], chain[-1]
    if first.reader != sent.recipient or sent.begun_ns > last.end_ns:
        return False
    if first.since is not None and not _is_newer(sent, first, history):
        return False
    gaps = [answer for answer in answers(chain) if answer.gap and answer.since is None]
    if not gaps or not _may_have_been_dropped(sent, gaps[0].end_ns, history):
        return True
    return received(chain, sent, history)  # retention has spared it


def _is_newer(sent: Message, poll: Poll, history: History) -> bool:
    """Whether it is newer than the poll's cursor; where either is no time, it was begun after the poll."""
    known, cursor_at = timestamps(sent, history), moment(poll.since)
    if not known or cursor_at is None:
        return sent.begun_ns > poll.start_ns
    return any(at > cursor_at for at in known)


def _may_have_been_dropped(sent: Message, told_ns: int, history: History) -> bool:
    """Whether as many others as are retained may have come after it before the gap was told."""
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
