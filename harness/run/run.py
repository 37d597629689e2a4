"""The `run` that a scenario is given: what was seen, what was measured, and the checks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.arithmetic import exact_percentile
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
from harness.client import Answer
from harness.client.variety.variety import Manner, Variety
from harness.faults import FaultInjector
from harness.history import NS_PER_S, Recorder
from harness.run.broken import CertainlyBroken, Inconclusive, PromiseBroken
from harness.run.conversations import Pair
from harness.run.queues import Queues
from harness.run.recorded import (
    hangs,
    healed_ns,
    polls_served_without,
    refusals_without_outcome,
    replays,
    untold_replays,
)
from harness.run.vitals import Vitals
from harness.run.waits import Waiting
from harness.targets.instances import Instances
from harness.targets.profile import Profile
from harness.verdict import Checker, Judgement, Verdict, summed_up

LOOK_AT_VITALS_EVERY_S = 1.0


@dataclass(frozen=True)
class Turns:
    """The answers to sends and to the polls between them."""

    sends: list[Answer]
    polls: list[Answer]


class Run(Waiting):
    """One scenario's run against a server of its own, on a database of its own."""

    def __init__(
        self,
        *,
        profile: Profile,
        recorder: Recorder,
        faults: FaultInjector,
        instances: Instances,
        queues: Queues,
        vitals: Vitals,
        seed: int,
        minutes: float,
    ) -> None:
        super().__init__(
            instances,
            recorder,
            Variety(seed, profile.has, longest_message=profile.policy.longest_message),
            queues,
            seed=seed,
            bounds=profile.bounds,
            stores_as_the_contract=profile.stores_as_the_contract,
        )
        self.faults = faults
        self.policy = profile.policy
        self.statuses = profile.statuses
        self.has = profile.has
        self.judgements: list[Judgement] = []
        self._raised: list[Exception | None] = []
        """What each check raised."""
        self.vitals = vitals
        self.minutes = minutes
        """How long a long row shall last."""

    # What was seen

    def hangs(self, for_s: float = 0.06) -> bool:
        """Whether some send has been waiting for its answer so long."""
        return hangs(self.recorder.events[-500:], for_s)

    def replays(self) -> int:
        """How many sends were answered `replayed`: their message was stored by an earlier attempt."""
        return replays(self.recorder.history())

    def untold_replays(self) -> int:
        """How many sends were acked beside another attempt at the same message, and did not say so.

        Of the acked attempts at one message only the one that stored it is no replay.
        """
        return untold_replays(self.recorder.history())

    def refusals_without_outcome(self) -> int:
        """How many sends were answered 503 without saying what became of the message."""
        return refusals_without_outcome(self.recorder.events)

    def polls_served_without(self, store: str) -> int:
        """How many polls were answered 200 while the whole store was away."""
        return polls_served_without(self.recorder.history(), store)

    def take_turns(self, pair: Pair, *, rounds: int, content: str | None = None) -> Turns:
        """So many sends, each followed by a poll of the recipient's; their answers.

        What has this content is sent in the usual way: it is measured, and must be the same every time.
        """
        reader = self._reader(pair[1])
        turns = Turns([], [])
        for place in range(rounds):
            manner = None if content is None else Manner(content, f"{place:016x}")
            turns.sends.append(self.send(*pair, manner=manner))
            turns.polls.append(self._patience.after(reader.poll_once().answer))
        return turns

    def seconds_since_the_heal(self) -> float:
        """How long ago the last fault was seen healed."""
        return (time.monotonic_ns() - healed_ns(self.recorder.history())) / NS_PER_S

    def p99_ms(self, pair: Pair, *, rounds: int) -> float:
        """The 99th percentile of so many sends and as many polls, one after the other, in milliseconds."""
        turns = self.take_turns(pair, rounds=rounds)
        seconds = [answer.seconds for answer in turns.sends + turns.polls]
        return round(exact_percentile(seconds, 99) * 1000, 1)

    def watch(self, *, minutes: float) -> None:
        """Let the traffic run so long, and look at what the server holds on to about once a second."""
        begin = time.monotonic()
        looks = 0
        while time.monotonic() < begin + minutes * 60:
            self.recorder.record("vitals", values=self.vitals.sample())
            looks += 1
            time.sleep(max(0.0, begin + looks * LOOK_AT_VITALS_EVERY_S - time.monotonic()))

    def measure(self, name: str, value: float, *, target: float, acceptable: float) -> None:
        """Tell a number beside what it should be and what it may be; its name ends in its unit.

        Raises PromiseBroken where it is not even acceptable.
        """
        *_, unit = name.split("_")
        self.measured |= {name: value, f"target_{unit}": target, f"acceptable_{unit}": acceptable}
        if value > acceptable:
            raise PromiseBroken(f"{name} is {value:.4g}, and {acceptable:g} would be acceptable")

    # Verdicts

    def check(self, *checkers: Checker) -> None:
        """Judge the history so far by these promises; by `bounded` only where it is known what is in Redis.

        Where no-loss is judged, so is retention-told, if there was anything to tell. Raises PromiseBroken if
        a promise is broken, else Inconclusive if one cannot be decided.
        """
        if no_loss in checkers and retention_told not in checkers:
            checkers += (retention_told,) * has_retention_to_tell(self.recorder.history())
        self._judge(checkers)
        self._raise_what_was_found(self._raised[-1])

    def judge_what_is_recorded(self) -> None:
        """Judge by every promise that applies and was not judged yet. Raises PromiseBroken if one is broken.

        For a scenario that did not come to its end, or decided nothing: it may convict, but not acquit.
        """
        judged = {judgement.promise for judgement in self.judgements}
        open_promises = [name for name in applying_to(self.recorder.history()) if name not in judged]
        if open_promises:
            self._judge([CHECKERS[promise] for promise in open_promises])
        error = self._raised[-1] if open_promises else None
        self._raise_what_was_found(error if isinstance(error, PromiseBroken) else None)

    def _raise_what_was_found(self, error: Exception | None) -> None:
        """Raise what a check did, or what the scenario found without a checker; where both did, both."""
        broken = [str(error)] if isinstance(error, PromiseBroken) else []
        if complaints := list(self._complaints()):
            raise CertainlyBroken("; ".join([*broken, *complaints[:3]]))
        if error:
            raise error

    def judging_that_raised(self, error: BaseException | None) -> int:
        """Which of the checks ended the scenario with this error, from 1 on; 0 if none did."""
        return next((n for n, raised in enumerate(self._raised, 1) if error and raised is error), 0)

    @property
    def open_question(self) -> str:
        """Why a scenario that came to its end has shown nothing all the same; '' if it has."""
        if not self.judgements:
            return "the scenario ended without a check"
        return self.given_up[0] if self.given_up else ""

    def _judge(self, checkers: Sequence[Checker]) -> None:
        if not self.stores_as_the_contract:
            checkers = [checker for checker in checkers if checker is not bounded]
        history = self.recorder.judging(map(promise_of, checkers))
        self.judgements += (new := [run_checker(checker, history) for checker in checkers])
        verdict, reason = summed_up(new)
        errors = {Verdict.PASS: None, Verdict.FAIL: PromiseBroken(reason)}
        self._raised.append(errors.get(verdict, Inconclusive(reason)))

    def _complaints(self) -> Iterator[str]:
        """What was not as the contract says in answers to ordinary requests."""
        for manner, answer in self.refused:
            if answer.status not in self.statuses.slowed:
                how = ", ".join(manner.special) or "nothing special about it"
                detail = answer.body.get("detail")
                yield f"a legal send was answered {answer.status} ({how}): {detail}"
        yield from self.complaints
