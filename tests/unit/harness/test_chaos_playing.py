"""A schedule is played in its order, and no quiet period becomes too short; time is this test's own."""

from contextlib import contextmanager

import pytest

from harness.chaos import playing
from harness.chaos.catalog import ChaosFault
from harness.chaos.schedule import FaultSchedule, Planned
from harness.run import PromiseBroken


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def monotonic(self):
        return self.now_s

    def sleep(self, seconds):
        self.now_s += seconds


class FakeRun:
    def __init__(self, clock, *, queues=()):
        self.clock = clock
        self.seen = []
        self.wrong_queues = list(queues)
        self.mailboxes = self.queues = self

    def note(self, what):
        self.seen.append((round(self.clock.now_s - 100, 1), what))

    def read_afresh(self):
        self.note("reads afresh")

    def wait_until_right(self):
        if self.wrong_queues and (wrong := self.wrong_queues.pop(0)):
            raise PromiseBroken(wrong)


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(playing, "time", made := Clock())
    return made


def kind(name, *, active_after_s=0.0, heal_takes_s=0.0, error=None):
    @contextmanager
    def begin(run, parameters):
        run.clock.sleep(active_after_s)
        run.note(f"{name} begins")
        if error:
            raise error
        try:
            yield
        finally:
            run.clock.sleep(heal_takes_s)
            run.note(f"{name} ends")

    return ChaosFault("store of " + name, name, begin)


def schedule(*outages, total_s=30.0):
    return FaultSchedule(outages, quiet_s=6.0, total_s=total_s, with_clocks=False)


def planned(fault, at_s, lasts_s):
    return Planned(fault, at_s, lasts_s, {})


def test_the_first_fault_to_begin_may_be_the_first_to_end(clock):
    run = FakeRun(clock)
    outage = (planned(kind("a"), 4.0, 5.0), planned(kind("b"), 6.0, 7.0))
    assert playing.play(run, schedule(outage)) == []
    assert run.seen == [
        (4.0, "a begins"),
        (6.0, "b begins"),
        (9.0, "a ends"),
        (13.0, "b ends"),
        (13.0, "reads afresh"),
    ]
    assert clock.now_s == 130.0


def test_a_fault_that_was_slow_to_take_effect_lasts_as_long_as_any(clock):
    run = FakeRun(clock)
    slow, other = kind("slow", active_after_s=2.0), kind("other")
    playing.play(run, schedule((planned(slow, 4.0, 5.0), planned(other, 5.0, 5.0))))
    assert run.seen[:4] == [
        (6.0, "slow begins"),
        (7.0, "other begins"),
        (11.0, "slow ends"),
        (12.0, "other ends"),
    ]


def test_after_a_heal_that_took_its_time_all_is_later_and_the_quiet_period_as_long(clock):
    run = FakeRun(clock)
    slow, other = kind("slow", heal_takes_s=5.0), kind("other")
    playing.play(run, schedule((planned(slow, 4.0, 4.0),), (planned(other, 14.0, 4.0),)))
    assert (13.0, "slow ends") in run.seen
    assert (19.0, "other begins") in run.seen
    assert (23.0, "other ends") in run.seen
    assert clock.now_s == 135.0


def test_queues_that_stay_wrong_are_told_with_the_outage_and_the_play_goes_on(clock):
    run = FakeRun(clock, queues=["a list is too short", ""])
    outages = ((planned(kind("a"), 4.0, 4.0), planned(kind("b"), 5.0, 1.0)), (planned(kind("c"), 20.0, 4.0),))
    told = playing.play(run, schedule(*outages))
    assert told == ["after store of a a and store of b b: a list is too short"]
    assert (24.0, "c ends") in run.seen


def test_when_a_fault_cannot_be_injected_the_others_are_healed(clock):
    run = FakeRun(clock)
    bad = kind("bad", error=RuntimeError("it did not take effect"))
    with pytest.raises(RuntimeError, match="did not take effect"):
        playing.play(run, schedule((planned(kind("good"), 4.0, 5.0), planned(bad, 5.0, 5.0))))
    assert run.seen[-1] == (5.0, "good ends")
