"""How a scenario ends that did not reach its checks, or that decided nothing: by what it has recorded.

A server that hangs or refuses everything keeps a scenario from going on. That is a finding; only what the
harness or its machine could not do is inconclusive. So the history is judged by every promise that applies.
If it shows a violation the row fails; otherwise the row ends as it had.

A scenario that injects faults and shows that nothing worked before the first one is not judged: no fault is
to blame.
"""

from __future__ import annotations

import pytest

from harness.checkers.pressure import too_busy
from harness.errors import HarnessError, InfrastructureError, UsageError
from harness.run import Inconclusive, Run
from harness.run.broken import CertainlyBroken, NotAcked, PromiseBroken
from harness.run.recorded import given_up
from harness.run.steady import NOT_NORMAL, NotNormal
from harness.runner.injecting import injects_faults

OUT_OF_TIME: type[BaseException] = pytest.fail.Exception
"""What pytest-timeout raises."""
NOBODY_IS_JUDGED = (InfrastructureError, UsageError, KeyboardInterrupt, SystemExit)


def may_be_decided(error: BaseException, run: Run) -> bool:
    """Return whether the history may still decide a scenario that ended with this error."""
    if isinstance(error, (*NOBODY_IS_JUDGED, NotNormal, pytest.skip.Exception, pytest.exit.Exception)):
        return False
    if run.checks.check_that_raised(error):
        return isinstance(error, Inconclusive)
    if isinstance(error, AssertionError):
        history = run.recorder.history()
        busy = not isinstance(error, CertainlyBroken) and too_busy(history)
        return isinstance(error, NotAcked) or bool(given_up(history) or busy)
    return True


def require_normal_before_faults(scenario: object, error: BaseException, run: Run) -> None:
    """Raise NotNormal if this error ended a scenario before its first fault, and nothing had worked."""
    reached_a_fault = bool(run.recorder.history().faults)
    if injects_faults(scenario) and not reached_a_fault and not run.steady.holds():
        said = str(error).partition("\n")[0].removesuffix(".")
        raise NotNormal(f"{NOT_NORMAL}: {said}") from error


def decide(run: Run, *, in_time: bool) -> None:
    """Read the mailboxes to their ends if there is time, and judge everything that is recorded.

    Raise PromiseBroken if a promise is broken.
    """
    try:
        if in_time:
            run.mailboxes.read_what_is_left()
        run.traffic.stop()
    except (HarnessError, PromiseBroken, Inconclusive, TimeoutError, OUT_OF_TIME) as error:
        run.recorder.record("note", text=f"what was left to read was not read: {error}")
    run.checks.judge_what_is_recorded()
