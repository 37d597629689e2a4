"""contiguous: a mailbox's seqs have no hole, so no message can appear later in front of what was read.

Judged for servers that number their messages: each seq that a consumer sees is one above the previous one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from harness.checkers.consumers import Consumer, consumers_of
from harness.checkers.findings import at, conclude, finding
from harness.history import History
from harness.verdict import Finding, Judgement

PROMISE = "contiguous"


def contiguous(history: History) -> Judgement:
    """Judge the promise over one history."""
    consumers = consumers_of(history)
    findings = [hole for consumer in consumers for hole in _holes(history, consumer)]
    numbered = sum(len(consumer.seqs) - consumer.seqs.count(None) for consumer in consumers)
    doubt = "" if numbered else "no message that arrived had a seq"
    return conclude(
        history, PROMISE, findings, {"numbered": numbered, "consumers": len(consumers)}, doubt=doubt
    )


def _holes(history: History, consumer: Consumer) -> Iterator[Finding]:
    numbered = [
        (seq, first) for seq, first in zip(consumer.seqs, consumer.firsts, strict=True) if seq is not None
    ]
    for (old, former), (new, delivery) in pairwise(numbered):
        if new > old + 1 and not delivery.poll.gap:
            sentence = (
                f"{consumer.name} received message '{delivery.received.id}' with seq {new} at "
                f"{at(history, delivery.poll.end_ns)}, right after seq {old}."
            )
            yield finding(PROMISE, "hole", sentence, (former.poll.event, delivery.poll.event))
