"""The promises that have an oracle, and how to compare it with the checker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from harness.checkers import CHECKERS, run_checker
from harness.history import History
from harness.verdict import Judgement, Verdict

from . import (
    brute_answers,
    brute_attempts,
    brute_contents,
    brute_gaps,
    brute_looks,
    brute_losses,
    brute_times,
)
from .definitions import CANNOT_TELL, NOT_PROMISED, Allowed, is_promised

ORACLES: Mapping[str, Callable[[History], Allowed]] = {
    "no-loss": brute_losses.no_loss,
    "cursor": brute_losses.cursor,
    "no-duplicate": brute_contents.no_duplicate,
    "order": brute_contents.order,
    "no-phantom": brute_contents.no_phantom,
    "on-time": brute_times.on_time,
    "available": brute_answers.available,
    "recovers": brute_times.recovers,
    "bounded": brute_looks.bounded,
    "retention-told": brute_gaps.retention_told,
    "private": brute_attempts.refused,
    "refuses": brute_attempts.refused,
}


@dataclass
class Tally:
    """How often each checker had which verdict and finding, and how often the oracle was undecided."""

    verdicts: Counter[tuple[str, Verdict]] = field(default_factory=Counter)
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    undecided: Counter[str] = field(default_factory=Counter)

    def count(self, judgement: Judgement, allowed: Allowed) -> None:
        """Add one judgement, each kind of finding once."""
        self.verdicts[judgement.promise, judgement.verdict] += 1
        self.kinds.update({(judgement.promise, finding.kind) for finding in judgement.findings})
        self.undecided[judgement.promise] += allowed == CANNOT_TELL


def disagreements(history: History, tally: Tally) -> Iterator[str]:
    """Return a sentence for each promise on which checker and oracle differ."""
    for promise, oracle in ORACLES.items():
        allowed = oracle(history) if is_promised(promise, history) else NOT_PROMISED
        judgement = run_checker(CHECKERS[promise], history)
        tally.count(judgement, allowed)
        if judgement.verdict not in allowed:
            wanted = " or ".join(sorted(allowed))
            yield f"{promise}: the checker says {judgement.verdict} ({judgement.reason}), not {wanted}"
