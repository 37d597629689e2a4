"""retention-told: what retention dropped is told (`gap`), and nothing else is.

A server may drop what is older than the retained messages (contract: Poll). A consumer whose cursor, or whose
beginning, is before what is left never learns of it by itself: the answer that leads it on has to say so. And
an answer that says so where nothing was dropped tells a user that messages are gone which are not.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter

from harness.checkers.consumers import Consumer, Mailbox, by_reader, consumers_of, mailboxes
from harness.checkers.later import Later
from harness.checkers.messages import Matched, Message, match
from harness.checkers.missing import Missing
from harness.checkers.passing import Passing
from harness.checkers.suspected_causes import SuspectedCause
from harness.checkers.telling import at, conclude, finding
from harness.history import History, Poll
from harness.history.instants import instant
from harness.history.memoize import memoize
from harness.verdict import Finding, Judgement

PROMISE = "retention-told"
_START_NS = attrgetter("start_ns")


def retention_told(history: History) -> Judgement:
    """Judge the promise over one history."""
    survey = _survey(history)
    return conclude(history, PROMISE, survey.findings, survey.evidence(), doubt=survey.doubt())


def has_retention_to_tell(history: History) -> bool:
    """Whether retention was free to drop any of what a consumer came to, or an answer admitted a gap."""
    survey = _survey(history)
    return bool(survey.behind or survey.gaps_told)


@memoize
def _survey(history: History) -> _Survey:
    survey = _Survey(history, match(history))
    readers = by_reader(consumers_of(history))
    for recipient, mailbox in mailboxes(history).items():
        for consumer in readers.pop(recipient, []):
            survey.look(consumer, mailbox)
    for consumers in readers.values():  # nobody wrote to these
        for consumer in consumers:
            survey.look(consumer, Mailbox((), survey.matched, history))
    return survey


@dataclass
class _Survey:
    """What became of all that retention was free to drop before a consumer came to it."""

    history: History
    matched: Matched
    findings: list[Finding] = field(default_factory=list)
    gaps_told: int = 0
    delivered: int = 0
    told: int = 0
    silent: int = 0

    def look(self, consumer: Consumer, mailbox: Mailbox) -> None:
        """Add a consumer of this mailbox."""
        self.gaps_told += len(consumer.gap_polls)
        if mailbox.may_overflow:
            self.findings += self._silent_gaps(consumer, mailbox)
        if consumer.gap_polls:
            self.findings += self._false_gaps(consumer, mailbox)

    @property
    def behind(self) -> int:
        """How many messages retention was free to drop when a consumer came to them."""
        return self.delivered + self.told + self.silent

    def _silent_gaps(self, consumer: Consumer, mailbox: Mailbox) -> Iterator[Finding]:
        silent: dict[int, tuple[Poll, list[Message]]] = {}
        passing, later = Passing(consumer, self.matched.timestamps), Later(consumer, self.matched.timestamps)
        for message in mailbox.wanted(consumer, mailbox.acked):
            droppable_ns = mailbox.droppable_ns(message)
            if arrival := consumer.arrivals.get(message):
                self.delivered += droppable_ns < arrival.poll.start_ns
                continue
            behind = later.than(message)
            poll = passing.poll(message) or (behind[0].poll if behind else None)
            if poll is None or poll.end_ns <= droppable_ns:
                continue
            if self._is_told(consumer, message, poll, droppable_ns):
                self.told += 1
            else:
                self.silent += 1
                silent.setdefault(poll.op, (poll, []))[1].append(message)
        for poll, messages in silent.values():
            yield self._silent(consumer, poll, messages)

    def _is_told(self, consumer: Consumer, message: Message, poll: Poll, droppable_ns: float) -> bool:
        """Whether that answer, or one before it that may speak of the message, admitted a gap."""
        timestamp = self.matched.timestamps.get(message)
        for told in reversed(
            consumer.gap_polls[: bisect_right(consumer.gap_polls, poll.start_ns, key=_START_NS)]
        ):
            cursor = instant(told.since)
            if cursor is None or timestamp is None or cursor < timestamp:
                return told.end_ns > droppable_ns
        return False

    def _false_gaps(self, consumer: Consumer, mailbox: Mailbox) -> Iterator[Finding]:
        missing = Missing(consumer, mailbox, self.matched.timestamps)
        for poll in consumer.gap_polls:
            if not missing.explains(poll):
                yield self._false(consumer, poll)

    def _silent(self, consumer: Consumer, poll: Poll, messages: list[Message]) -> Finding:
        first = messages[0]
        more = f" and {len(messages) - 1} more" if len(messages) > 1 else ""
        sentence = (
            f"the answer at {at(self.history, poll.end_ns)} led {consumer.name} past {first.name}{more}, "
            f"older than the retained {self.history.bounds.retained_messages}, and admitted no gap."
        )
        events = (*first.events[-4:], poll.event)
        return finding(PROMISE, "silent_gap", sentence, events, SuspectedCause.TRIMMED_QUEUE.value)

    def _false(self, consumer: Consumer, poll: Poll) -> Finding:
        behind = "the beginning" if poll.since is None else f"the cursor {poll.since}"
        sentence = (
            f"the answer at {at(self.history, poll.end_ns)} told {consumer.name} of a gap behind {behind}, "
            "but nothing was missing there."
        )
        return finding(PROMISE, "false_gap", sentence, (poll.event,))

    def evidence(self) -> dict[str, object]:
        """How many messages those are, of all consumers, and how many answers admitted a gap."""
        return {
            "gaps_told": self.gaps_told,
            "beyond_retention": self.behind,
            "delivered_all_the_same": self.delivered,
            "told": self.told,
            "silent": self.silent,
        }

    def doubt(self) -> str:
        """Why nothing could be judged, if so; else ''."""
        if self.behind or self.gaps_told:
            return ""
        retained = self.history.bounds.retained_messages
        return f"no reader was behind by more than {retained} messages, and no answer admitted a gap"
