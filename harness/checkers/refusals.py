"""private and refuses: what must be refused is refused, and no answer tells what is not for who asked.

Both are judged by attempts: requests that the scenario made on purpose, each with the statuses that are right
for it and with what its answer must not hold. They are private's where the request asks for what is another
user's, and refuses' where it is malformed, oversized or nonsense.
"""

from __future__ import annotations

from collections import Counter

from harness.checkers.strain import Strain
from harness.checkers.telling import at, conclude, finding
from harness.history import Attempt, History
from harness.verdict import Finding, Judgement

SHOWN = 3
"""So many of the texts that an answer gave away are told."""


def private(history: History) -> Judgement:
    """Judge the promise over one history."""
    return _judge("private", history)


def refuses(history: History) -> Judgement:
    """Judge that what is malformed, oversized or nonsense is refused, and nothing else happens."""
    return _judge("refuses", history)


def _judge(promise: str, history: History) -> Judgement:
    findings: list[Finding] = []
    strain = Strain(history)
    for attempt in history.attempts:
        wrong = _wrong(attempt)
        if wrong and not (_may_be_strain(attempt) and strain.excuses(attempt, attempt.end_ns)):
            kind, what = wrong
            sentence = (
                f"{attempt.who} tried to {attempt.what} at {at(history, attempt.start_ns)}, and {what}."
            )
            findings.append(finding(promise, kind, sentence, (attempt.event,)))
    statuses = Counter(str(attempt.status or "no answer") for attempt in history.attempts)
    evidence = {"attempts": len(history.attempts), "answered": dict(sorted(statuses.items()))}
    return conclude(
        promise, findings, evidence, doubt=strain.doubt() if history.attempts else "nobody tried anything"
    )


def _may_be_strain(attempt: Attempt) -> bool:
    """Whether a busy machine can explain the answer: never one that gives what must be refused."""
    return not attempt.told and attempt.status in (None, 503)


def _wrong(attempt: Attempt) -> tuple[str, str] | None:
    """What is wrong with the answer, the worst first: a kind, and the words that explain it."""
    right = " or ".join(map(str, attempt.may))
    if attempt.told:
        shown = ", ".join(map(repr, attempt.told[:SHOWN]))
        return "leaked", f"the answer ({attempt.status}) held {shown}"
    if attempt.status is None:
        return "unanswered", f"got no answer ({attempt.error}); expected: {right}"
    if attempt.status in attempt.may:
        return None
    if attempt.status >= 500:
        return "server_error", f"was answered {attempt.status}; expected: {right}"
    kind = "not_refused" if attempt.status < 400 else "wrong_refusal"
    return kind, f"was answered {attempt.status}; expected: {right}"
