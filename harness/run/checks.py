"""Judging the history of a scenario, while it runs and at its end."""

from __future__ import annotations

from collections.abc import Sequence

from harness.checkers import (
    CHECKERS,
    applying_to,
    bounded,
    has_retention_to_tell,
    no_loss,
    promise_of,
    retention_told,
    run_checker,
)
from harness.history import Recorder
from harness.run.broken import CertainlyBroken, Inconclusive, NotPromised, PromiseBroken
from harness.run.complaints import Complaints
from harness.run.recorded import given_up
from harness.verdict import Checker, Judgement, Verdict, summed_up


class Checks:
    """Judges by checkers and by complaints. Without `knows_queues`, never by `bounded`."""

    def __init__(self, recorder: Recorder, complaints: Complaints, *, knows_queues: bool) -> None:
        self._recorder = recorder
        self._complaints = complaints
        self._knows_queues = knows_queues
        self._raised: list[Exception | None] = []
        """The error of each check, None where it passed."""
        self.judgements: list[Judgement] = []

    def check(self, checkers: Sequence[Checker]) -> None:
        """Judge the history so far by these promises, and by retention-told beside no-loss, where it applies.

        Raise PromiseBroken if a promise is broken, else Inconclusive if one cannot be decided, and
        NotPromised if the target makes none of them.
        """
        adds = no_loss in checkers and retention_told not in checkers
        if adds and has_retention_to_tell(self._recorder.history()):
            checkers = [*checkers, retention_told]
        self._judge(checkers)
        self._raise_what_was_found(self._raised[-1])

    def judge_what_is_recorded(self) -> None:
        """Judge by every promise that applies and was not judged yet. Raise PromiseBroken if one is broken.

        For a scenario that did not come to its end, or decided nothing: this can fail a row, never pass it.
        """
        judged = {judgement.promise for judgement in self.judgements}
        history = self._recorder.history()
        open_promises = [CHECKERS[name] for name in applying_to(history) if name not in judged]
        if open_promises:
            self._judge(open_promises)
        error = self._raised[-1] if open_promises else None
        self._raise_what_was_found(error if isinstance(error, PromiseBroken) else None)

    def check_that_raised(self, error: BaseException | None) -> int:
        """Return which of the checks ended the scenario with this error, from 1 on; 0 if none did."""
        return next((n for n, raised in enumerate(self._raised, 1) if error and raised is error), 0)

    def open_question(self) -> str:
        """Return why a scenario that came to its end has proved nothing; '' if it has."""
        if not self.judgements:
            return "the scenario ended without a check"
        return next(iter(given_up(self._recorder.history())), "")

    def _judge(self, checkers: Sequence[Checker]) -> None:
        if not self._knows_queues:
            checkers = [checker for checker in checkers if checker is not bounded]
        history = self._recorder.judging(map(promise_of, checkers))
        self.judgements += (new := [run_checker(checker, history) for checker in checkers])
        verdict, reason = summed_up(new)
        errors = {
            Verdict.PASS: None,
            Verdict.FAIL: PromiseBroken(reason),
            Verdict.SKIPPED: NotPromised(reason),
            Verdict.INCONCLUSIVE: Inconclusive(reason),
        }
        self._raised.append(errors[verdict])

    def _raise_what_was_found(self, error: Exception | None) -> None:
        """Raise the error of a check, or what the scenario found without a checker; where both did, both."""
        broken = [str(error)] if isinstance(error, PromiseBroken) else []
        if complaints := self._complaints.all():
            raise CertainlyBroken("; ".join([*broken, *complaints[:3]]))
        if error:
            raise error
