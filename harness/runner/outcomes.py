"""The verdict on a row from how a phase of its test ended, with the reason in one sentence.

A broken promise or a failed assertion is a fail. Anything that kept the harness from judging is inconclusive.
Any failure of a test that is not a scenario is a fail, unless the test
says that it could not judge.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness.checkers.pressure import TOO_BUSY, too_busy
from harness.checkers.unreadable import CHANGED, why_undecided
from harness.errors import HarnessError, NotHere, NotServed
from harness.run import Inconclusive, Run
from harness.run.broken import CertainlyBroken, NotPromised
from harness.runner.ending import OUT_OF_TIME
from harness.verdict import Judgement, Verdict


def judged_by_its_end(
    error: BaseException | None, report: pytest.TestReport, run: Run | None, *, is_scenario: bool
) -> tuple[Verdict, str]:
    """Return the verdict of a phase of a test, and the reason, from the error that ended it, if one did."""
    verdict, reason = of_phase(error, report, is_scenario=is_scenario)
    if run is None or isinstance(error, CertainlyBroken):
        return verdict, reason
    if verdict is Verdict.FAIL:
        return _excused(verdict, reason, run)
    if isinstance(error, (NotServed, Inconclusive, OUT_OF_TIME)) and not run.checks.check_that_raised(error):
        return verdict, _with_other_reasons(reason, run)
    return verdict, reason


def broken(run: Run) -> tuple[Judgement, ...]:
    """Return the promises that a scenario's checks found broken, each with its first finding alone."""
    failed = (one for one in run.checks.judgements if one.verdict is Verdict.FAIL)
    return tuple(replace(one, findings=one.findings[:1], evidence={}) for one in failed)


def of_phase(
    error: BaseException | None, report: pytest.TestReport, *, is_scenario: bool
) -> tuple[Verdict, str]:
    """Return the verdict that the exception `error` stands for (None: a pass), and the reason."""
    if error is None:
        return Verdict.PASS, ""
    said = (str(error).splitlines() or [type(error).__name__])[0]
    if report.skipped or isinstance(error, (NotHere, NotPromised)):
        return Verdict.SKIPPED, said
    if isinstance(error, Inconclusive) and not is_scenario:
        return Verdict.INCONCLUSIVE, said  # a test says itself that it could not judge
    if report.when == "call" and (isinstance(error, AssertionError) or not is_scenario):
        return Verdict.FAIL, said
    if isinstance(error, Inconclusive | HarnessError):
        return Verdict.INCONCLUSIVE, said
    if isinstance(error, OUT_OF_TIME):
        return Verdict.INCONCLUSIVE, f"the scenario did not finish: {said}"
    if isinstance(error, KeyboardInterrupt):
        return Verdict.INCONCLUSIVE, "interrupted"
    return Verdict.INCONCLUSIVE, f"the harness itself failed: {type(error).__name__}: {said}"


def _excused(verdict: Verdict, reason: str, run: Run) -> tuple[Verdict, str]:
    """Return inconclusive where no checker found a violation and the machine or the profile may be why."""
    if any(judgement.verdict is Verdict.FAIL for judgement in run.checks.judgements):
        return verdict, reason
    history = run.recorder.history()
    excuse = why_undecided(history) or too_busy(history)
    return (Verdict.INCONCLUSIVE, f"{reason}; but {excuse}") if excuse else (verdict, reason)


def _with_other_reasons(reason: str, run: Run) -> str:
    """Return the reason, followed by what else explains it: answers that were unreadable, or a busy machine.

    If the machine was too busy, the row may be tried again.
    """
    history = run.recorder.history()
    if (unread := why_undecided(history)) and CHANGED not in reason:
        return f"{reason}; {unread}"
    busy = too_busy(history)
    return reason if not busy or TOO_BUSY in reason else f"{reason}; but {busy}"
