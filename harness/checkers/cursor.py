"""cursor: no `next_since` passes a message that neither this answer nor an earlier one has delivered.

If `since` is exclusive, a message at the cursor is passed as well. It is a finding even if the server serves
the message later: a client that trusts its cursor would not have asked for it. Cursors that cannot be
compared are judged by what they bring: one passes a message that never comes and another consumer has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from harness.checkers.consumers import Consumer, by_reader, consumers_of
from harness.checkers.cursor_progress import CursorProgress
from harness.checkers.fault_windows import unquiet_times
from harness.checkers.findings import at, conclude, finding
from harness.checkers.later_deliveries import LaterDeliveries
from harness.checkers.mailboxes import Mailbox, mailboxes
from harness.checkers.messages import Matched, Message, match
from harness.checkers.spans import Spans
from harness.checkers.suspected_causes import of_missing
from harness.history import NS_PER_S, History, Poll
from harness.history.operations import OK
from harness.verdict import Finding, Judgement

PROMISE = "cursor"


def cursor(history: History) -> Judgement:
    """Judge the promise over one history."""
    walk = _Walk(history, match(history))
    findings = list(walk.run())
    return conclude(history, PROMISE, findings, walk.evidence(), doubt=walk.doubt())


@dataclass
class _Walk:
    history: History
    matched: Matched
    cursors: int = 0
    compared: int = 0

    def run(self) -> Iterator[Finding]:
        readers = by_reader(consumers_of(self.history))
        for recipient, mailbox in mailboxes(self.history).items():
            for consumer in readers.get(recipient, []):
                yield from self._follow(consumer, mailbox)

    def _follow(self, consumer: Consumer, mailbox: Mailbox) -> Iterator[Finding]:
        progress = CursorProgress(consumer, self.matched)
        self.cursors += consumer.answered
        due, late = mailbox.due(consumer, mailbox.existing), progress.arrived_after_passed()
        self.compared += len(due)
        if not self.matched.scale.compares:
            yield from self._not_brought(consumer, [m for m in due if m not in consumer.arrivals])
            return
        for message in due:
            arrival = consumer.arrivals.get(message)
            if (arrival is None or message in late) and (poll := progress.poll_that_passed(message)):
                yield self._finding(consumer, message, poll, arrival.poll if arrival else None)

    def _not_brought(self, consumer: Consumer, missing: list[Message]) -> Iterator[Finding]:
        """Find the messages that a consumer read past, or that did not come long after others had them."""
        later = LaterDeliveries(consumer, self.matched)
        for message in missing:
            if (seen_ns := self.first_seen.get(message)) is not None:
                after = later.first_after(message)
                poll = after[0].poll if after else self._last_cursor(consumer, message, seen_ns)
                if poll is not None:
                    yield self._finding(consumer, message, poll, None)

    def _last_cursor(self, consumer: Consumer, message: Message, seen_ns: int) -> Poll | None:
        """Return the answer that gave the last cursor, if it came after the message was begun.

        None also if the consumer did not read its mailbox to the end long enough after others had it.
        """
        last = consumer.last_answered
        due_ns = self.unquiet.quiet_end_ns(seen_ns, self.history.bounds.delivered_within_s * NS_PER_S)
        if last is None or last.has_more or last.start_ns < due_ns:
            return None
        given = (p for p in reversed(consumer.polls) if p.outcome is OK and p.next_since != p.since)
        poll = next(given, None)
        return poll if poll is not None and poll.end_ns > message.first_start_ns else None

    @cached_property
    def first_seen(self) -> dict[Message, int]:
        """When each message had first reached any consumer of its mailbox."""
        seen: dict[Message, int] = {}
        for consumer in consumers_of(self.history):
            for message, arrival in consumer.arrivals.items():
                if message.recipient == consumer.reader:
                    seen[message] = min(arrival.poll.end_ns, seen.get(message, arrival.poll.end_ns))
        return seen

    @cached_property
    def unquiet(self) -> Spans:
        """When a message may come later than promised."""
        return unquiet_times(self.history)

    def _finding(self, consumer: Consumer, message: Message, poll: Poll, arrived: Poll | None) -> Finding:
        later = f"only a later answer did, at {at(self.history, arrived.end_ns)}" if arrived else "none did"
        sentence = (
            f"the answer at {at(self.history, poll.end_ns)} gave {consumer.name} the cursor "
            f"{poll.next_since}, which passes {message.name}, begun at "
            f"{at(self.history, message.first_start_ns)}: neither this nor an earlier answer had delivered "
            f"the message; {later}."
        )
        events = (*message.events[-4:], poll.event, *((arrived.event,) if arrived else ()))
        suspected_cause = of_missing(self.history, consumer, message, poll)
        return finding(PROMISE, "passed", sentence, events, suspected_cause)

    def evidence(self) -> dict[str, object]:
        return {"cursors": self.cursors, "compared": self.compared}

    def doubt(self) -> str:
        return "" if self.compared else "no consumer had a message to receive, so no cursor could pass one"
