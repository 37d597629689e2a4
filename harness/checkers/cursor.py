"""cursor: no `next_since` passes a message that neither this answer nor an earlier one has delivered.

`since` is exclusive, so a message whose timestamp equals the cursor is passed as well. It is a finding even
if the server serves the message later: a client that trusts its cursor would not have asked for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.checkers.consumers import Consumer, Mailbox, by_reader, consumers_of, mailboxes
from harness.checkers.cursor_progress import CursorProgress
from harness.checkers.findings import at, conclude, finding
from harness.checkers.messages import Matched, Message, match
from harness.checkers.suspected_causes import of_missing
from harness.history import History, Outcome, Poll
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
        progress = CursorProgress(consumer, self.matched.timestamps)
        self.cursors += [poll.outcome for poll in consumer.polls].count(Outcome.OK)
        due, late = mailbox.due(consumer, mailbox.existing), progress.arrived_after_passed()
        self.compared += len(due)
        for message in due:
            arrival = consumer.arrivals.get(message)
            if (arrival is None or message in late) and (poll := progress.poll_that_passed(message)):
                yield self._finding(consumer, message, poll, arrival.poll if arrival else None)

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
