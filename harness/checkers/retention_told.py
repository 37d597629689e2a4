"""retention-told: the server says `gap` where retention dropped messages, and nowhere else.

A server may drop what is older than the retained messages (contract: Poll). A consumer whose cursor, or whose
beginning, is before what is left cannot notice it by itself, so the answer that moves it on must say `gap`.
An answer that says so where nothing was dropped makes a user believe that messages are gone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter

from harness.checkers.consumers import Consumer, by_reader, consumers_of
from harness.checkers.cursor_progress import CursorProgress
from harness.checkers.findings import at, conclude, finding
from harness.checkers.later_deliveries import LaterDeliveries
from harness.checkers.mailboxes import Mailbox, mailboxes
from harness.checkers.messages import Matched, Message, match
from harness.checkers.missing_messages import MissingMessages
from harness.checkers.suspected_causes import SuspectedCause
from harness.history import History, Poll
from harness.history.memoize import memoize
from harness.verdict import Finding, Judgement

PROMISE = "retention-told"
_START_NS = attrgetter("start_ns")


def retention_told(history: History) -> Judgement:
    """Judge the promise over one history."""
    survey = _survey(history)
    return conclude(history, PROMISE, survey.findings, survey.evidence(), doubt=survey.doubt())


def has_retention_to_tell(history: History) -> bool:
    """Whether retention was free to drop anything that a consumer asked for, or an answer admitted a gap."""
    survey = _survey(history)
    return bool(survey.behind or survey.gaps_admitted)


def silently_dropped(history: History) -> int:
    """Return how many messages were dropped without a gap in any answer, as retention was free to do."""
    return _survey(history).silent


@memoize
def _survey(history: History) -> _Survey:
    survey = _Survey(history, match(history))
    readers = by_reader(consumers_of(history))
    for recipient, mailbox in mailboxes(history).items():
        for consumer in readers.pop(recipient, []):
            survey.look(consumer, mailbox)
    for consumers in readers.values():  # no message was sent to these
        for consumer in consumers:
            survey.look(consumer, Mailbox((), survey.matched, history))
    return survey


@dataclass
class _Survey:
    """For all that retention was free to drop before a consumer asked for it: was it delivered, or said?"""

    history: History
    matched: Matched
    findings: list[Finding] = field(default_factory=list)
    gaps_admitted: int = 0
    delivered: int = 0
    admitted: int = 0
    silent: int = 0

    def look(self, consumer: Consumer, mailbox: Mailbox) -> None:
        """Judge a consumer of this mailbox."""
        self.gaps_admitted += len(consumer.gap_polls)
        if mailbox.may_overflow:
            self.findings += self._silent_gaps(consumer, mailbox)
        if consumer.gap_polls:
            self.findings += self._false_gaps(consumer, mailbox)

    @property
    def behind(self) -> int:
        """How many messages retention was free to drop when a consumer asked for them."""
        return self.delivered + self.admitted + self.silent

    def _silent_gaps(self, consumer: Consumer, mailbox: Mailbox) -> Iterator[Finding]:
        silent: dict[int, tuple[Poll, list[Message]]] = {}
        progress, later = CursorProgress(consumer, self.matched), LaterDeliveries(consumer, self.matched)
        arrivals, droppable, starts = consumer.arrivals, mailbox.droppable_ns, consumer.starts
        for message in mailbox.wanted(consumer, mailbox.acked):
            droppable_ns = droppable[message]
            if arrival := arrivals.get(message):
                if droppable_ns < starts[arrival.place]:
                    self.delivered += 1
                continue
            after = later.first_after(message)
            poll = progress.poll_that_passed(message) or (after[0].poll if after else None)
            if poll is None or poll.end_ns <= droppable_ns:
                continue
            if self._is_admitted(consumer, message, poll, droppable_ns):
                self.admitted += 1
            else:
                self.silent += 1
                silent.setdefault(poll.op, (poll, []))[1].append(message)
        for poll, messages in silent.values():
            yield self._silent(consumer, poll, messages)

    def _is_admitted(self, consumer: Consumer, message: Message, poll: Poll, droppable_ns: float) -> bool:
        """Whether that answer, or an earlier one that can cover the message, admitted a gap."""
        position = self.matched.positions.get(message)
        before = bisect_right(consumer.gap_polls, poll.start_ns, key=_START_NS)
        for admitting in reversed(consumer.gap_polls[:before]):
            cursor = self.matched.scale.of_cursor(admitting.since)
            if cursor is None or position is None or cursor < position:
                return admitting.end_ns > droppable_ns
        return False

    def _false_gaps(self, consumer: Consumer, mailbox: Mailbox) -> Iterator[Finding]:
        missing = MissingMessages(consumer, mailbox, self.matched)
        for poll in consumer.gap_polls:
            if not missing.explains(poll):
                yield self._false(consumer, poll)

    def _silent(self, consumer: Consumer, poll: Poll, messages: list[Message]) -> Finding:
        first = messages[0]
        more = f" and {len(messages) - 1} more" if len(messages) > 1 else ""
        sentence = (
            f"the answer at {at(self.history, poll.end_ns)} moved {consumer.name} past {first.name}{more}, "
            f"older than the retained {self.history.bounds.retained_messages}, and reported no gap."
        )
        events = (*first.events[-4:], poll.event)
        return finding(PROMISE, "silent_gap", sentence, events, SuspectedCause.TRIMMED_QUEUE.value)

    def _false(self, consumer: Consumer, poll: Poll) -> Finding:
        after = "the beginning of the mailbox" if poll.since is None else f"the cursor {poll.since}"
        sentence = (
            f"the answer at {at(self.history, poll.end_ns)} reported a gap to {consumer.name} after {after}, "
            "but nothing was missing there."
        )
        return finding(PROMISE, "false_gap", sentence, (poll.event,))

    def evidence(self) -> dict[str, object]:
        """Return how many messages those are, over all consumers, and how many answers admitted a gap."""
        return {
            "gaps_admitted": self.gaps_admitted,
            "beyond_retention": self.behind,
            "delivered": self.delivered,
            "admitted": self.admitted,
            "silent": self.silent,
        }

    def doubt(self) -> str:
        """Return why nothing could be judged; '' if something could."""
        if self.behind or self.gaps_admitted:
            return ""
        retained = self.history.bounds.retained_messages
        return f"no reader was behind by more than {retained} messages, and no answer admitted a gap"
