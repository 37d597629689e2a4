"""no-loss: every acked message reaches every later consumer of its recipient.

A message is lost to a consumer if its cursor passed the message (a server never serves what is before the
cursor), if it received a message that is later in the mailbox, or if it read its mailbox to the end, long
enough after the ack, and the message never came. If a consumer stopped before that, what it lacks is unseen,
not lost. Only the last of the three cases needs mailboxes that were read to the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from harness.checkers.consumers import Consumer, by_reader, consumers_of
from harness.checkers.cursor_progress import CursorProgress
from harness.checkers.fault_windows import fault_windows, unquiet_times
from harness.checkers.findings import at, conclude, finding
from harness.checkers.later_deliveries import LaterDeliveries
from harness.checkers.mailboxes import mailboxes
from harness.checkers.messages import Delivery, Matched, Message, match
from harness.checkers.overdue import Overdue
from harness.checkers.stuck import Stuck, stuck
from harness.checkers.suspected_causes import of_missing
from harness.history import NS_PER_S, History, Outcome, Poll
from harness.verdict import Finding, Judgement

PROMISE = "no-loss"
_ELSEWHERE = {
    "not_stored": "no one received it",
    "never_served": "another reader of the mailbox received it",
    "queued_but_never_served": "it was acked as queued, but other readers received it only from MongoDB",
}
"""What became of a message that never came, by the kind of finding."""


def no_loss(history: History) -> Judgement:
    """Judge the promise over one history."""
    search = _Search(history, match(history))
    return conclude(history, PROMISE, search.findings(), search.evidence(), doubt=search.doubt())


@dataclass(frozen=True)
class _Observation:
    """What a mailbox, a consumer or a message shows: a finding or a doubt."""

    finding: Finding | None = None
    lost: Message | None = None
    doubt: str = ""


@dataclass(frozen=True)
class _ReadMailbox:
    """A mailbox: what was acked, and each consumer with what it is missing."""

    recipient: str
    acked: Sequence[Message]
    views: list[_View]


class _Search:
    def __init__(self, history: History, matched: Matched) -> None:
        self.history, self.matched = history, matched
        self.faults = fault_windows(history)
        self.unquiet = unquiet_times(history)
        self.bound_ns = history.bounds.delivered_within_s * NS_PER_S
        self.consumers = by_reader(consumers_of(history))
        self.acked = matched.acked()
        self.last_acks = {name: max(m.ack_ns or 0 for m in acked) for name, acked in self.acked.items()}
        self.mailboxes = [
            _ReadMailbox(
                name,
                mailbox.acked,
                [self._view(consumer, mailbox.expected_by(consumer)) for consumer in self._of(name)],
            )
            for name, mailbox in mailboxes(history).items()
        ]

    def findings(self) -> list[Finding]:
        """Return what breaks the promise."""
        return [one.finding for one in self.observations if one.finding is not None]

    @cached_property
    def observations(self) -> list[_Observation]:
        """All findings and doubts, mailbox by mailbox."""
        return [one for mailbox in self.mailboxes for one in self._observe(mailbox)]

    def _of(self, recipient: str) -> list[Consumer]:
        return self.consumers.get(recipient, [])

    def _view(self, consumer: Consumer, expected: list[Message]) -> _View:
        missing = [message for message in expected if message not in consumer.arrivals]
        overdue = Overdue(consumer, self.faults, self.history.bounds)
        progress, later = CursorProgress(consumer, self.matched), LaterDeliveries(consumer, self.matched)
        return _View(consumer, len(expected), missing, progress, later, overdue)

    def _observe(self, mailbox: _ReadMailbox) -> Iterator[_Observation]:
        views = mailbox.views
        if mailbox.acked and not views:
            yield _Observation(
                doubt=f"the mailbox of {mailbox.recipient} holds acked messages, and was never polled"
            )
        if doubt := self._unread_by_all(mailbox.acked, views):
            yield _Observation(doubt=doubt)
        if not any(view.missing for view in views):
            return
        received = _received(views)
        absent = {m for view in views for m in view.missing if self._proves_absence(view, m)} - received
        for view in views:
            for found in self._stuck(view, views):
                yield _Observation(found)
            for message in view.missing:
                lost = self._lost(view, message, views, absent, received)
                doubt = "" if lost else self._why_open(view, message)
                yield _Observation(lost, message if lost else None, doubt)

    def _lost(
        self, view: _View, message: Message, views: list[_View], absent: set[Message], received: set[Message]
    ) -> Finding | None:
        """Return why a missing message is lost to a consumer; None if it can still come."""
        if passed := view.progress.poll_that_passed(message):
            kind = "not_stored" if message in absent else "stored_but_skipped"
            return self._passed(view.consumer, message, passed, kind)
        if later := view.later.first_after(message):
            is_gone = message not in received and self._is_over(view, message)
            kind = "not_stored" if is_gone or message in absent else "hole"
            return self._read_past(view.consumer, message, *later, kind)
        if self._is_over(view, message):
            kind = _unserved(message, views) if message in received else "not_stored"
            return self._never_came(view.consumer, message, kind)
        return None

    def _stuck(self, view: _View, views: list[_View]) -> Iterator[Finding]:
        """Find, once, a consumer that receives nothing while another one of its mailbox does."""
        found = stuck(
            view.consumer,
            [message for message in view.missing if not view.has_skipped(message)],
            [other.consumer for other in views],
            due_ns=partial(self._due_ns, view),
            bound_ns=self.bound_ns,
        )
        if found is not None:
            yield self._gets_nothing(view.consumer, found)

    def _proves_absence(self, view: _View, message: Message) -> bool:
        """Whether a consumer that began without a cursor after the ack had to see the message."""
        first = view.consumer.first
        if first.since is not None or message.ack_ns is None or first.start_ns < message.ack_ns:
            return False
        return view.has_skipped(message) or self._due(view, message)

    def _unread_by_all(self, acked: Sequence[Message], views: list[_View]) -> str:
        """Return a doubt if a message did not arrive and no consumer read the mailbox to its end."""
        if not views or any(self._read_to_the_end(view.consumer) for view in views):
            return ""
        if _received(views).issuperset(acked):
            return ""
        names = ", ".join(view.consumer.name for view in views)
        return f"no reader of {views[0].consumer.reader} read its mailbox to the end ({names})"

    def _read_to_the_end(self, consumer: Consumer) -> bool:
        """Whether the consumer polled on after the last ack until the server said there was no more."""
        last = consumer.last_answered
        return (
            last is not None and not last.has_more and last.start_ns >= self.last_acks.get(consumer.reader, 0)
        )

    def _due(self, view: _View, message: Message) -> bool:
        """Whether the consumer's last poll began late enough to have to return the message."""
        last = view.consumer.last_answered
        if last is None or last.has_more or message.ack_ns is None:
            return False
        is_hidden = view.consumer.hidden.touch(last.start_ns, last.start_ns)
        return last.start_ns >= self._due_ns(view, message) and not is_hidden

    def _due_ns(self, view: _View, message: Message) -> float:
        """Return when an acked message had to be visible to a consumer.

        That is after `bound_ns` of quiet time, or when resource pressure no longer explains its absence.
        """
        ack_ns = message.ack_ns or 0
        return min(self.unquiet.quiet_end_ns(ack_ns, self.bound_ns), view.overdue.from_ns(ack_ns))

    def _is_over(self, view: _View, message: Message) -> bool:
        """Whether a missing message must have come by now, so that it is lost."""
        return (
            self._was_read_on(view.consumer)
            and self._read_to_the_end(view.consumer)
            and self._due(view, message)
        )

    def _was_read_on(self, consumer: Consumer) -> bool:
        """Whether the consumer polled on until after the last ack; if not, nothing more can be expected."""
        return (
            self.history.drained_ns is not None and consumer.last.start_ns >= self.last_acks[consumer.reader]
        )

    def _why_open(self, view: _View, message: Message) -> str:
        """Return why it is open whether a missing message is lost; '' if the consumer stopped too early."""
        consumer = view.consumer
        if not self._was_read_on(consumer):
            return ""
        if not self._read_to_the_end(consumer):
            return f"{consumer.name} is missing {message.name}, but did not read its mailbox to the end"
        return (
            f"{consumer.name} read its mailbox to the end too early to decide whether {message.name} is "
            "lost: it must poll on until an acked message is due"
        )

    def _passed(self, consumer: Consumer, message: Message, poll: Poll, kind: str) -> Finding:
        fate = "no one ever received it" if kind == "not_stored" else f"{consumer.name} never received it"
        sentence = (
            f"{message.name} was acked at {at(self.history, message.ack_ns or 0)}, but {fate}: the answer at "
            f"{at(self.history, poll.end_ns)} gave {consumer.name} the cursor {poll.next_since}, "
            "which passes it."
        )
        suspected_cause = of_missing(self.history, consumer, message, poll)
        return finding(PROMISE, kind, sentence, (*message.events[-4:], poll.event), suspected_cause)

    def _read_past(
        self, consumer: Consumer, message: Message, later: Delivery, how: str, kind: str
    ) -> Finding:
        fate = "no one ever received it" if kind == "not_stored" else f"{consumer.name} never received it"
        name = later.message.name if later.message else later.received.id
        sentence = (
            f"{message.name} was acked at {at(self.history, message.ack_ns or 0)}, but {fate}: the answer at "
            f"{at(self.history, later.poll.end_ns)} brought {name}, which is later in the mailbox {how}."
        )
        suspected_cause = of_missing(self.history, consumer, message)
        sends = (*message.events[-4:], *(later.message.events[-2:] if later.message else ()))
        return finding(PROMISE, kind, sentence, (*sends, later.poll.event), suspected_cause)

    def _gets_nothing(self, consumer: Consumer, found: Stuck) -> Finding:
        first, last = found.answers[0], found.answers[-1]
        sentence = (
            f"{consumer.name} was answered 200 and empty {len(found.answers)} times from "
            f"{at(self.history, first.end_ns)} to {at(self.history, last.end_ns)}, although "
            f"{found.message.name} had reached {found.seen.poll.consumer} at "
            f"{at(self.history, found.seen.poll.end_ns)}."
        )
        events = (*found.message.events[-4:], found.seen.poll.event, first.event, last.event)
        return finding(PROMISE, "stuck", sentence, events, of_missing(self.history, consumer, found.message))

    def _never_came(self, consumer: Consumer, message: Message, kind: str) -> Finding:
        last = consumer.last_answered or consumer.last
        sentence = (
            f"{message.name} was acked at {at(self.history, message.ack_ns or 0)}, but never reached "
            f"{consumer.name}, which read its mailbox to the end at {at(self.history, last.end_ns)}; "
            f"{_ELSEWHERE[kind]}."
        )
        suspected_cause = of_missing(self.history, consumer, message)
        return finding(PROMISE, kind, sentence, (*message.events[-4:], last.event), suspected_cause)

    def evidence(self) -> dict[str, object]:
        counts = self.matched.outcomes
        return {
            "acked": counts[Outcome.OK],
            "unknown": counts[Outcome.UNKNOWN],
            "refused": counts[Outcome.REFUSED],
            "consumers": sum(len(consumers) for consumers in self.consumers.values()),
            "expected": self.expected,
            "delivered": self.expected - self.missing,
            "lost": len(self.lost),
            "unseen": len(self.unseen),
            "recovered": sum(message.outcome is Outcome.UNKNOWN for message in self.matched.received),
            "drained": self.history.drained_ns is not None,
        }

    def doubt(self) -> str:
        if not self.acked:
            return "no message was acked, so none could be lost"
        if self.history.drained_ns is None:
            return f"the mailboxes were not read to the end after the last send: {self._unread()}"
        return next((one.doubt for one in self.observations if one.doubt), "")

    @cached_property
    def expected(self) -> int:
        """How many deliveries had to reach all consumers."""
        return sum(view.expected for mailbox in self.mailboxes for view in mailbox.views)

    @cached_property
    def missing(self) -> int:
        """How many of these never came."""
        return sum(len(view.missing) for mailbox in self.mailboxes for view in mailbox.views)

    @cached_property
    def lost(self) -> set[Message]:
        """The messages that some consumer can no longer receive."""
        return {one.lost for one in self.observations if one.lost is not None}

    @cached_property
    def unseen(self) -> set[Message]:
        """The acked messages that no one received, and that can still come."""
        acked = {message for messages in self.acked.values() for message in messages}
        return acked - self.matched.received - self.lost

    def _unread(self) -> str:
        if self.unseen:
            acked = sum(map(len, self.acked.values()))
            return f"{len(self.unseen)} of {acked} acked messages had reached no one, and can still come"
        return f"what is missing ({self.missing} of {self.expected} deliveries) can still come"


def _received(views: list[_View]) -> set[Message]:
    """Return the messages that any of the consumers received."""
    return set().union(*(view.consumer.arrivals for view in views))


def _unserved(message: Message, views: list[_View]) -> str:
    """Return the kind: whether an ack said `queued`, and yet the message was only served from MongoDB."""
    arrivals = [view.consumer.arrivals[message] for view in views if message in view.consumer.arrivals]
    queued = any(attempt.queued for attempt in message.attempts)
    from_store = all(arrival.poll.source == "mongodb" for arrival in arrivals)
    return "queued_but_never_served" if queued and from_store else "never_served"


@dataclass(frozen=True)
class _View:
    """A consumer, and what it should have received and did not."""

    consumer: Consumer
    expected: int
    missing: list[Message]
    progress: CursorProgress
    later: LaterDeliveries
    overdue: Overdue

    def has_skipped(self, message: Message) -> bool:
        """Whether the consumer is already past the message, so that it can no longer come in order."""
        return (
            self.progress.poll_that_passed(message) is not None or self.later.first_after(message) is not None
        )
