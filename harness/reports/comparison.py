"""What got better or worse between two runs: of one server, or of two servers side by side.

What only one of the runs has is not compared. A verdict is compared as it is; a figure moves only if it does
so beyond the noise of both runs. So a comparison of a run with a repetition of it finds nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from harness.arithmetic import quantile_interval
from harness.reports.record import RowResult, RunRecord, kinds_of
from harness.typed import Record
from harness.verdict import Verdict, worst

QUANTILES = (50, 95)
LEAST_S = 0.05
"""A smaller change of a delay is not one: a poll every two seconds cannot show it."""
LEAST_SHARE = 0.05
"""A change of a delay by a smaller share is not one: two runs of the same server differ by as much."""


class Move(StrEnum):
    """How something changed."""

    BETTER = "better"
    SAME = "same"
    WORSE = "worse"
    UNSURE = "unsure"
    """It may be worse: the second run did not decide it."""


class Change(Record, frozen=True):
    """One thing in two runs, as people read it.

    `kind` is 'row', 'promise', 'finding', 'delivery', 'capacity' or 'benchmark'.
    """

    kind: str
    name: str
    before: str
    after: str
    move: Move


class Comparison(Record, frozen=True):
    """Every change of what both runs have, and which rows only one of them ran.

    The runs are None where figures alone are compared.
    """

    before: RunRecord | None
    after: RunRecord | None
    changes: tuple[Change, ...]
    only_before: tuple[str, ...] = ()
    only_after: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What else to know of the figures, in sentences."""

    @property
    def verdict(self) -> Verdict:
        """Fail where something is worse, inconclusive where something is unsure, else pass."""
        return verdict_of(one.move for one in self.changes)

    def moved(self) -> list[Change]:
        """Return the changes that are not 'same': the worse ones first, then the unsure, then the better."""
        order = [Move.WORSE, Move.UNSURE, Move.BETTER]
        return sorted(
            (one for one in self.changes if one.move in order), key=lambda one: order.index(one.move)
        )


def verdict_of(moves: Iterable[Move]) -> Verdict:
    """Return fail where one is worse, inconclusive where one is unsure, else pass."""
    verdicts = {Move.WORSE: Verdict.FAIL, Move.UNSURE: Verdict.INCONCLUSIVE}
    return worst([Verdict.PASS, *(verdicts.get(move, Verdict.PASS) for move in moves)])


def compare(
    before: RunRecord, after: RunRecord, figures: Iterable[Change] = (), notes: Iterable[str] = ()
) -> Comparison:
    """Return what changed, with the changes of figures. Raise ValueError where no row is in both runs."""
    old, new = _by_id(before), _by_id(after)
    both = [row_id for row_id in new if row_id in old]
    if not both:
        raise ValueError("the runs have no row in common")
    pairs = [(old[row_id], new[row_id]) for row_id in both]
    return Comparison(
        before,
        after,
        (*_rows(pairs), *_promises(pairs), *_findings(pairs), *_delivery(pairs), *figures),
        tuple(row_id for row_id in old if row_id not in new),
        tuple(row_id for row_id in new if row_id not in old),
        tuple(notes),
    )


def _by_id(run: RunRecord) -> dict[str, RowResult]:
    return {row.id: row for row in run.rows}


Pairs = Sequence[tuple[RowResult, RowResult]]


def _rows(pairs: Pairs) -> Iterator[Change]:
    for old, new in pairs:
        yield Change(
            "row", f"{new.id} {new.title}", old.verdict, new.verdict, _move(old.verdict, new.verdict)
        )


def _promises(pairs: Pairs) -> Iterator[Change]:
    before, after = (_verdicts(side) for side in zip(*pairs, strict=True))
    for promise, verdict in after.items():
        if promise in before:
            old = before[promise]
            yield Change("promise", promise, old, verdict, _move(old, verdict))


def _verdicts(rows: Sequence[RowResult]) -> dict[str, Verdict]:
    """Return the verdict of each promise over these rows."""
    judged: dict[str, list[Verdict]] = {}
    for row in rows:
        for judgement in row.judgements:
            judged.setdefault(judgement.promise, []).append(judgement.verdict)
    return {promise: worst(verdicts) for promise, verdicts in judged.items()}


def _move(old: Verdict, new: Verdict) -> Move:
    """Return how a verdict changed. What now fails is worse, whatever was known of it before."""
    if old is new:
        return Move.SAME
    if new is Verdict.FAIL:
        return Move.WORSE
    if new is Verdict.PASS:
        return Move.BETTER
    return Move.SAME if {old, new} <= {Verdict.SKIPPED, Verdict.INCONCLUSIVE} else Move.UNSURE


def _findings(pairs: Pairs) -> Iterator[Change]:
    """Yield each kind of finding; only its presence counts, as every run has other numbers of them."""
    before, after = (_counted(side) for side in zip(*pairs, strict=True))
    undecided = any(new.verdict is not Verdict.PASS and not new.findings for _, new in pairs)
    for name in sorted(before | after):
        move = Move.SAME if before[name] and after[name] else Move.WORSE
        if not after[name]:
            move = Move.UNSURE if undecided else Move.BETTER
        yield Change("finding", name, str(before[name]), str(after[name]), move)


def _counted(rows: Sequence[RowResult]) -> Counter[str]:
    """Return how many findings there were of each kind, named 'promise: kind'."""
    counts: Counter[str] = Counter()
    for judgement in (judgement for row in rows for judgement in row.judgements):
        counts.update({f"{judgement.promise}: {kind}": count for kind, count in kinds_of(judgement).items()})
    return counts


def _delivery(pairs: Pairs) -> Iterator[Change]:
    """Yield each quantile of the delays from acceptance to receipt, over rows that timed some twice."""
    timed = [(old, new) for old, new in pairs if old.latencies_s and new.latencies_s]
    before = sorted(delay for old, _ in timed for delay in old.latencies_s)
    after = sorted(delay for _, new in timed for delay in new.latencies_s)
    if timed:
        for percent in QUANTILES:
            yield _quantile(percent, before, after)


def _quantile(percent: int, before: Sequence[float], after: Sequence[float]) -> Change:
    """Return how a quantile moved: beyond LEAST_S and LEAST_SHARE, and with intervals that do not touch."""
    old_low, old, old_high = quantile_interval(before, percent)
    new_low, new, new_high = quantile_interval(after, percent)
    is_apart = abs(new - old) > max(LEAST_S, LEAST_SHARE * old)
    move = Move.SAME
    if is_apart and new_low > old_high:
        move = Move.WORSE
    if is_apart and new_high < old_low:
        move = Move.BETTER
    return Change("delivery", f"p{percent}", f"{old:.2f} s", f"{new:.2f} s", move)
