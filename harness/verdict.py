"""The result of a checker: a verdict on one promise, with its findings and evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from harness.typed import Record

if TYPE_CHECKING:
    from harness.history import History

MAX_EVENTS_PER_FINDING = 10
MAX_MESSAGES_PER_EVENT = 5


class Verdict(StrEnum):
    """How a row or a promise can end, from best to worst."""

    PASS = "pass"
    SKIPPED = "skipped"
    INCONCLUSIVE = "inconclusive"
    FAIL = "fail"


EXIT_CODES: Mapping[Verdict, int] = {
    Verdict.PASS: 0,
    Verdict.FAIL: 1,
    Verdict.INCONCLUSIVE: 3,
    Verdict.SKIPPED: 3,  # a row that did not run says nothing about the server: the run is not green
}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of the verdicts; of none: inconclusive."""
    ranking = list(Verdict)
    return max(verdicts, key=ranking.index, default=Verdict.INCONCLUSIVE)


class Finding(Record, frozen=True):
    """One violation of a promise, explained by at most ten events of the history (raw JSON objects).

    Where the answer to a poll brought more than five messages, the event has five of them, those first that
    the finding names, and `messages_left_out`: how many more there were.
    """

    promise: str
    kind: str
    """A stable machine-readable name, such as `stored_but_skipped`."""
    sentence: str
    events: tuple[Mapping[str, Any], ...] = ()
    suspected_cause: str = ""
    """What probably happened inside the server, in a word or two; '' if unknown."""


class Judgement(Record, frozen=True):
    """The verdict on one promise over one history.

    `evidence` has the numbers behind the verdict; `reason` is one sentence if the verdict is not a pass.
    """

    promise: str
    verdict: Verdict
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    evidence: Mapping[str, Any] = {}


def summed_up(judgements: Iterable[Judgement]) -> tuple[Verdict, str]:
    """Return the verdict of several judgements, and on one line the reasons of those with that verdict.

    A promise that the target does not make is skipped, and counts only where every one is.
    """
    all_ = list(judgements)
    known = [judgement for judgement in all_ if judgement.verdict is not Verdict.SKIPPED] or all_
    verdict = worst(judgement.verdict for judgement in known)
    if verdict is Verdict.PASS:
        return verdict, ""
    bad = (f"{one.promise}: {one.reason}" for one in known if one.verdict is verdict)
    return verdict, ("; ".join(bad).splitlines() or [""])[0]


Checker = Callable[["History"], Judgement]


def judge(
    promise: str, findings: Iterable[Finding], evidence: Mapping[str, Any], *, doubt: str = ""
) -> Judgement:
    """Fail if there is a finding; else inconclusive with the sentence `doubt` if there is one; else pass."""
    found = tuple(findings)
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        return Judgement(promise, Verdict.FAIL, found[0].sentence + more, found, evidence)
    if doubt:
        return Judgement(promise, Verdict.INCONCLUSIVE, doubt, (), evidence)
    return Judgement(promise, Verdict.PASS, "", (), evidence)
