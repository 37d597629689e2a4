"""The verdict on all messages: which promise is broken by name, or why nothing is proven."""

from __future__ import annotations

import pytest

from harness.history import Bounds
from harness.verdict import Verdict
from loadtests.figures import Figures
from loadtests.verdicts import Circumstances, Totals, table

GOOD = {"acked": 1000, "delivered": 1000, "polls": 3000, "made": 4000}


def totals(about: Circumstances | None = None, *, excess_s: float = 0.0, **counts: int) -> Totals:
    figures = Figures()
    figures.counts.update(GOOD | counts)
    figures.sums_s["excess"] = excess_s
    return Totals(figures, Bounds(), about or Circumstances())


def test_what_arrived_in_time_passes() -> None:
    assert totals().verdict() == (Verdict.PASS, "")


@pytest.mark.parametrize(
    ("count", "promise"),
    [
        ("missing", "no-loss"),
        ("duplicates", "no-duplicate"),
        ("phantoms", "no-phantom"),
        ("late", "on-time"),
        ("failed_requests", "available"),
    ],
)
def test_what_broke_is_said_by_the_promises_name(count: str, promise: str) -> None:
    verdict, reason = totals(**{count: 3}).verdict()
    assert verdict is Verdict.FAIL
    assert reason.startswith(f"{promise}: 3 ")


def test_a_promise_that_the_target_does_not_make_is_not_judged() -> None:
    about = Circumstances(promises=frozenset({"no-loss"}))
    assert totals(about, late=3).verdict()[0] is Verdict.PASS
    assert totals(about, missing=3).verdict()[0] is Verdict.FAIL


def test_as_many_may_be_late_as_a_perfect_server_would_deliver_late() -> None:
    busy = totals(late=5, excess_s=3000 * 0.002)
    assert busy.floor == pytest.approx(0.001)
    assert busy.allowed >= 5
    assert busy.verdict()[0] is Verdict.PASS
    assert totals(late=5, much_too_late=1, excess_s=3000 * 0.002).verdict()[0] is Verdict.FAIL
    excused = {"late_excused": 5, "much_too_late_excused": 1}
    assert totals(late_excused=5, excess_s=3000 * 0.002).verdict()[0] is Verdict.PASS
    assert totals(excess_s=3000 * 0.002, **excused).verdict()[0] is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("about", "counts", "said"),
    [
        (Circumstances(crashes=1), {}, "crashed"),
        (Circumstances(), {"crashed": 1}, "crashed"),
        (Circumstances(problem="The fault did not heal."), {}, "The fault did not heal"),
        (Circumstances(under_way=2), {}, "2 messages were still on their way"),
        (Circumstances(), {"undecided": 2}, "2 messages were still on their way"),
        (Circumstances(lost_workers=1), {}, "1 workers were lost"),
        (Circumstances(), {"not_in": 3}, "3 users could not sign in"),
        (Circumstances(), {"acked": 99}, "fewer than 100 messages"),
        (Circumstances(), {"undecidable": 1}, "the clocks are not exact enough"),
        (Circumstances(), {"late_excused": 1}, "too busy to measure"),
        (Circumstances(), {"late_excused": 1, "much_too_late_excused": 1}, "1 late deliveries cannot be"),
        (Circumstances(), {"excused": 1}, "too busy to measure"),
        (Circumstances(), {"missed": 50}, "the load generator was too slow: 50 of 4050"),
    ],
)
def test_what_the_load_test_could_not_do_is_never_a_pass(
    about: Circumstances, counts: dict[str, int], said: str
) -> None:
    verdict, reason = totals(about, **counts).verdict()
    assert verdict is Verdict.INCONCLUSIVE
    assert said in reason


@pytest.mark.parametrize(("cpu_s", "why"), [(9.0, "use more processes"), (1.0, "this machine was too busy")])
def test_a_generator_that_is_too_slow_says_whether_it_was_busy_itself(cpu_s: float, why: str) -> None:
    some = totals(missed=50)
    some.figures.sums_s.update({"cpu": cpu_s, "wall": 10.0})
    assert why in some.verdict()[1]


def test_one_missed_arrival_of_a_thousand_is_nothing() -> None:
    assert totals(missed=4).verdict()[0] is Verdict.PASS


def test_a_slow_generator_excuses_lateness_and_never_loss() -> None:
    assert totals(missed=50, late=9, failed_requests=9).verdict()[0] is Verdict.INCONCLUSIVE
    assert totals(missed=50, missing=1).verdict()[0] is Verdict.FAIL


def test_what_a_fault_explains_is_left_to_the_history() -> None:
    about = Circumstances(is_broken_on_purpose=True)
    assert totals(about, late=9, failed_requests=9).verdict()[0] is Verdict.PASS
    assert totals(about, late_excused=9, excused=9).verdict()[0] is Verdict.PASS
    assert totals(about, missing=1).verdict()[0] is Verdict.FAIL


def test_the_table_says_never_where_a_percentile_of_messages_did_not_arrive() -> None:
    some = totals(missing=30)
    some.figures.took("delivery", 1_500_000_000)
    text = table(some.measured(), some.floor)
    assert "lost                           30" in text
    assert "p99 never" in text
    assert some.measured()["delivery_p99_ms"] is None
