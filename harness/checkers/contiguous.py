"""contiguous: a mailbox's seqs have no hole, so nothing can appear later before what was already read.

Judged for servers that number their messages: a chain sees each seq one above the one before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from harness.checkers.chains import Chain, chains_of
from harness.checkers.telling import at, conclude, finding
from harness.history import History
from harness.verdict import Finding, Judgement

PROMISE = "contiguous"


def contiguous(history: History) -> Judgement:
    """Judge the promise over one history."""
    chains = chains_of(history)
    findings = [hole for chain in chains for hole in _holes(history, chain)]
    numbered = sum(len(chain.seqs) - chain.seqs.count(None) for chain in chains)
    doubt = "" if numbered else "no message that arrived had a seq"
    return conclude(history, PROMISE, findings, {"numbered": numbered, "chains": len(chains)}, doubt=doubt)


def _holes(history: History, chain: Chain) -> Iterator[Finding]:
    numbered = [(seq, first) for seq, first in zip(chain.seqs, chain.firsts, strict=True) if seq is not None]
    for (old, former), (new, delivery) in pairwise(numbered):
        if new > old + 1 and not delivery.poll.gap:
            sentence = (
                f"{chain.name} received message '{delivery.received.id}' with seq {new} at "
                f"{at(history, delivery.poll.end_ns)}, right after seq {old}."
            )
            yield finding(PROMISE, "hole", sentence, (former.poll.event, delivery.poll.event))
