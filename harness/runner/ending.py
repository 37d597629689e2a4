"""How a scenario ends that did not reach its checks, or that decided nothing: by what it has recorded.

A server that hangs or refuses everything keeps a scenario from going on. That is a finding; only what the
harness or its machine could not do is inconclusive. So the history is judged by every promise that applies.
If it shows a violation the row fails; otherwise the row ends as it had.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.checkers.pressure import too_busy
from harness.errors import HarnessError, InfrastructureError, UsageError
from harness.history import Send
from harness.run import Inconclusive, Run
from harness.run.broken import CertainlyBroken, NotAcked, PromiseBroken, certain

OUT_OF_TIME: type[BaseException] = pytest.fail.Exception
"""What pytest-timeout raises."""
ENOUGH_SENDS = 10
NOBODY_IS_JUDGED = (InfrastructureError, UsageError, KeyboardInterrupt, SystemExit)


def may_be_decided(error: BaseException, run: Run) -> bool:
    """Return whether the history may still decide a scenario that ended with this error."""
    if isinstance(error, (*NOBODY_IS_JUDGED, pytest.skip.Exception, pytest.exit.Exception)):
        return False
    if run.judging_that_raised(error):
        return isinstance(error, Inconclusive)
    if isinstance(error, AssertionError):
        busy = not isinstance(error, CertainlyBroken) and too_busy(run.recorder.history())
        return isinstance(error, NotAcked) or bool(run.given_up or busy)
    return True


def decide(run: Run, *, in_time: bool) -> None:
    """Read the mailboxes to their ends if there is time, and judge everything that is recorded.

    Raise PromiseBroken if a promise is broken, or if no message was ever accepted.
    """
    try:
        if in_time:
            run.read_what_is_left()
        run.stop_everybody()
    except (HarnessError, PromiseBroken, Inconclusive, TimeoutError, OUT_OF_TIME) as error:
        run.recorder.record("note", text=f"what was left to read was not read: {error}")
    run.judge_what_is_recorded()
    history = run.recorder.history()
    certain(not _nothing_was_accepted(history.sends), "the server refused every send")


def _nothing_was_accepted(sends: Sequence[Send]) -> bool:
    """Return whether there were enough sends and all were refused as invalid; 429 asks for patience."""
    return len(sends) >= ENOUGH_SENDS and all(
        send.status is not None and 400 <= send.status < 500 and send.status != 429 for send in sends
    )
