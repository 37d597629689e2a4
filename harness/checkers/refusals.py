"""private and refuses: what must be refused is refused, and no answer leaks another user's data.

Both are judged by attempts: requests that the scenario makes on purpose, each with the statuses that are
right for it and the texts that its answer must not contain. `private` judges requests for what belongs to
another user, `refuses` those that are malformed, oversized or nonsense.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.checkers.findings import at, conclude, finding
from harness.checkers.pressure import EXCUSED, Found, Pressure, sort_out
from harness.history import Attempt, History
from harness.verdict import Judgement

SHOWN = 3
"""How many of the leaked texts a sentence shows."""


def private(history: History) -> Judgement:
    """Judge the promise over one history."""
    return _judge("private", history)


def refuses(history: History) -> Judgement:
    """Judge that what is malformed, oversized or nonsense is refused, and nothing else happens."""
    return _judge("refuses", history)


def _judge(promise: str, history: History) -> Judgement:
    pressure = Pressure(history)
    findings, excused = sort_out(_wrongs(promise, history, pressure))
    statuses = Counter(str(attempt.status or "no answer") for attempt in history.attempts)
    evidence = {"attempts": len(history.attempts), "answered": dict(sorted(statuses.items()))}
    doubt = pressure.doubt(excused) if history.attempts else "no attempt was made"
    return conclude(history, promise, findings, evidence, doubt=doubt)


def _wrongs(promise: str, history: History, pressure: Pressure) -> Iterator[Found]:
    for attempt in history.attempts:
        if not (wrong := _wrong(attempt)):
            continue
        if _may_be_pressure(attempt) and pressure.excuses(attempt, attempt.end_ns):
            yield EXCUSED
            continue
        kind, what = wrong
        sentence = f"{attempt.who} tried to {attempt.what} at {at(history, attempt.start_ns)}, and {what}."
        yield finding(promise, kind, sentence, (attempt.event,))


def _may_be_pressure(attempt: Attempt) -> bool:
    """Whether resource pressure can explain the answer: never one that gives what must be refused."""
    return not attempt.leaked and attempt.status in (None, 503)


def _wrong(attempt: Attempt) -> tuple[str, str] | None:
    """Return the worst thing wrong with the answer: its kind, and words that explain it."""
    right = " or ".join(map(str, attempt.expected))
    if attempt.leaked:
        shown = ", ".join(map(repr, attempt.leaked[:SHOWN]))
        return "leaked", f"the answer ({attempt.status}) contained {shown}"
    if attempt.status is None:
        return "unanswered", f"got no answer ({attempt.error}); expected: {right}"
    if attempt.status in attempt.expected:
        return None
    if attempt.status >= 500:
        return "server_error", f"was answered {attempt.status}; expected: {right}"
    kind = "not_refused" if attempt.status < 400 else "wrong_refusal"
    return kind, f"was answered {attempt.status}; expected: {right}"
