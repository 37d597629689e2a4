"""The arithmetic of docs/scale.md: by hand, by what must hold at any size, and beside what was measured."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.scale import needs as arithmetic
from benchmarks.scale.costs import MEASURED, Costs, Cpu
from benchmarks.scale.needs import FULL, MONGODB, NOTICES, REDIS, REDIS_MEMORY, Usage, largest, needs
from benchmarks.scale.page import tables, written
from benchmarks.scale.queueing import BARE, HERE, MEASURED_BARE, Machine, predicted_limit, simulate
from benchmarks.scale.queueing import MEASURED as STEPS
from reference_server.known_heads import MOST_MAILBOXES
from reference_server.process.application import CONNECTIONS

PAGE = Path(__file__).parents[4] / "docs" / "scale.md"
ROUND = Costs(
    known_poll=Cpu(100),
    asking_poll=Cpu(300, redis_us=50),
    bringing_poll=Cpu(500, redis_us=100, mongodb_us=100),
    send=Cpu(1000, redis_us=200, mongodb_us=500),
    notice_us=10,
    waiting_us_per_s=50,
    worker_base=0.1,
    redis_base=0.0,
    poll_bytes=1000,
    send_bytes=2000,
    redis_message_bytes=200,
    redis_mailbox_bytes=1000,
    mongodb_message_bytes=1000,
    connection_bytes=1000,
    worker_bytes=1e6,
)
PINNED = Usage(6000, is_pinned=True)


def test_the_page_has_the_tables_that_follow_from_its_inputs() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert written(page) == page


def test_a_page_without_a_place_for_a_table_is_refused() -> None:
    page = PAGE.read_text(encoding="utf-8").replace("<!-- limits: end -->", "")
    with pytest.raises(ValueError, match="limits"):
        written(page)


def test_the_page_repeats_the_costs_that_are_not_in_a_table() -> None:
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    for sentence in (
        f"each worker takes {MEASURED.notice_us:g} µs to hear",
        f"that waits costs {MEASURED.waiting_us_per_s:g} µs",
        f"takes {100 * MEASURED.worker_base:.0f} % of a processor by itself",
        f"{100 * MEASURED.redis_base:g} % of Redis's thread",
        f"{MEASURED.redis_message_bytes:g} B in Redis and {MEASURED.mongodb_message_bytes:g} B in MongoDB",
        f"a mailbox {MEASURED.redis_mailbox_bytes:g} B more",
        f"takes {MEASURED.connection_bytes / 1024:g} KiB of the server, a worker"
        f" {MEASURED.worker_bytes / 2**20:g} MiB",
        f"An idle poll is {MEASURED.poll_bytes} B on the wire, a send with the poll that brings it"
        f" {MEASURED.send_bytes:,} B",
        f"planned to {100 * FULL:.0f} %",
    ):
        assert sentence in page, sentence


def test_the_limits_of_a_worker_are_the_servers() -> None:
    assert (arithmetic.KNOWN_HEADS, arithmetic.CONNECTIONS) == (MOST_MAILBOXES, CONNECTIONS)


# -- needs


def test_pinned_users_by_hand() -> None:
    """3,000 polls a second, of which 100 bring a message, and 100 ask after one; 100 messages a second."""
    found = needs(PINNED, ROUND)
    assert (found.usage.polls_per_s, found.usage.sends_per_s) == (3000, 100)
    server = (2900 - 100) * 100 + 100 * 300 + 100 * 1500  # microseconds a second
    room = 0.6 - 0.1 - 0.001
    assert found.workers == math.ceil((server / 1e6 + 4 * 200e-6) / room) == 1
    assert found.redis_polls_per_s == 104
    assert found.redis_processors == pytest.approx((104 * 50 + 100 * 300) / 1e6)
    assert found.mongodb_processors == pytest.approx(100 * 600 / 1e6)
    assert found.redis_gb == pytest.approx(6000 * (1000 + 1000 * 200) / 1e9)
    assert found.mongodb_gb_per_day == pytest.approx(100 * 86_400 * 1000 / 1e9)
    assert found.server_gb == pytest.approx((1e6 + 6000 * 1000) / 1e9)
    assert found.megabits_per_s == pytest.approx((3000 * 1000 + 100 * 2000) * 8 / 1e6)
    assert found.loads[NOTICES] == pytest.approx(100 * 10e-6 / 0.6)
    assert found.gives_out_first == REDIS


def test_a_waiting_poll_ends_with_a_message_or_at_its_end() -> None:
    waiting = replace(PINNED, wait_s=25.0)
    assert waiting.polls_per_s == 6000 / 25 + 100


@pytest.mark.parametrize("users", [100, 10_000, 1_000_000])
def test_pinning_never_needs_more(users: int) -> None:
    anywhere = needs(Usage(users), MEASURED)
    pinned = needs(Usage(users, is_pinned=True), MEASURED)
    assert pinned.workers <= anywhere.workers
    assert pinned.redis_polls_per_s <= anywhere.redis_polls_per_s <= anywhere.usage.polls_per_s


@pytest.mark.parametrize("usage", [Usage(1), Usage(1, is_pinned=True), Usage(1, wait_s=25.0)])
def test_more_users_never_need_less(usage: Usage) -> None:
    found = [needs(replace(usage, users=users), MEASURED) for users in (1, 10, 10**3, 10**5, 10**6, 10**9)]
    for few, many in pairwise(found):
        assert few.workers <= many.workers
        assert all(few.loads[part] <= many.loads[part] for part in few.loads)


def test_the_workers_are_just_enough() -> None:
    for users in (5_000, 40_000, 700_000):
        usage = Usage(users, is_pinned=True)
        workers = needs(usage, MEASURED).workers
        notices = usage.sends_per_s * MEASURED.notice_us / 1e6

        def used(count: float, usage: Usage = usage, notices: float = notices) -> float:
            each = arithmetic.requests_processors(usage, MEASURED, count) / count
            return each + MEASURED.worker_base + notices

        assert used(workers) <= FULL < used(workers - 1)


def test_every_worker_hears_every_message_so_some_load_fits_none() -> None:
    carried = largest(NOTICES, PINNED, MEASURED)
    assert math.isfinite(needs(replace(PINNED, users=carried // 2), MEASURED).workers)
    assert math.isinf(needs(replace(PINNED, users=carried), MEASURED).workers)


@pytest.mark.parametrize("part", [NOTICES, REDIS, REDIS_MEMORY, MONGODB])
def test_the_largest_number_of_users_is_just_carried(part: str) -> None:
    carried = largest(part, PINNED, MEASURED)
    assert 0.85 < needs(replace(PINNED, users=carried), MEASURED).loads[part] <= 1
    assert needs(replace(PINNED, users=int(carried * 1.15)), MEASURED).loads[part] > 1


def test_the_page_has_a_table_for_each_question() -> None:
    assert list(tables()) == ["costs", "needs", "limits", "points"]


# -- the model


def test_a_simulation_is_the_same_each_time() -> None:
    assert simulate(500, HERE) == simulate(500, HERE)
    assert simulate(500, HERE) != simulate(500, HERE, seed=2)


def test_few_pollers_wait_as_queueing_theory_says() -> None:
    """Many pollers are nearly a Poisson process: M/M/1, whose times are exponential with mean s/(1-u)."""
    machine = Machine(poll_us=1000, base=0.0)
    found = simulate(1000, machine, seconds=60)
    mean_ms = 1 / (1 - 0.5)
    assert found.busy == pytest.approx(0.5, abs=0.03)
    assert found.p50_ms == pytest.approx(mean_ms * math.log(2), rel=0.15)
    assert found.p99_ms == pytest.approx(mean_ms * math.log(100), rel=0.25)


def test_too_many_pollers_wait_until_the_processor_has_served_all_others() -> None:
    machine = Machine(poll_us=1000, base=0.0)
    found = simulate(4000, machine, seconds=20)
    assert found.busy > 0.98
    assert found.polls_per_s == pytest.approx(1000, rel=0.05)
    assert found.p50_ms == pytest.approx(4000, rel=0.1)


def test_two_processors_carry_twice_as_many() -> None:
    one, two = (Machine(poll_us=1000, base=0.1, processors=count) for count in (1, 2))
    assert predicted_limit(two) == 2 * predicted_limit(one)
    assert simulate(3000, two).p99_ms < 50 < simulate(3000, one).p50_ms


def test_the_model_says_of_each_measured_size_whether_it_is_carried() -> None:
    for machine, steps in ((HERE, STEPS), (BARE, MEASURED_BARE)):
        for step in steps:
            assert (step.pollers <= predicted_limit(machine)) == step.is_carried, step


def test_the_model_uses_as_much_of_the_processor_as_was_measured() -> None:
    for machine, steps in ((HERE, STEPS), (BARE, MEASURED_BARE)):
        for step in steps:
            assert simulate(step.pollers, machine).busy == pytest.approx(step.busy, abs=0.08), step


def test_the_model_knows_how_long_a_full_processor_lets_polls_wait() -> None:
    for step in STEPS:
        if step.pollers >= 3000:
            found = simulate(step.pollers, HERE)
            assert step.p50_ms / 3 < found.p50_ms < 3 * step.p50_ms
            assert found.polls_per_s == pytest.approx(step.polls_per_s, rel=0.3)


def test_without_load_a_message_waits_for_the_next_poll_at_any_moment_of_the_interval() -> None:
    found = simulate(200, Machine(poll_us=100, base=0.0), seconds=60)
    assert found.delivery_p50_ms == pytest.approx(1000, rel=0.05)
    assert found.delivery_p99_ms == pytest.approx(1980, rel=0.02)


def test_a_processor_that_polls_have_to_wait_for_delays_messages_too() -> None:
    found = simulate(4000, Machine(poll_us=1000, base=0.0), seconds=20)
    assert found.delivery_p50_ms == pytest.approx(2000, rel=0.1), "half of the time between two polls"
    assert found.delivery_p99_ms == pytest.approx(4000, rel=0.1)


def test_the_model_knows_how_late_messages_are_where_that_was_measured() -> None:
    measured = [step for step in STEPS if step.delivery_p99_ms is not None]
    assert measured
    for step in measured:
        found = simulate(step.pollers, HERE)
        assert found.delivery_p50_ms == pytest.approx(step.delivery_p50_ms, abs=300), "of some fifty messages"
        assert found.delivery_p99_ms == pytest.approx(step.delivery_p99_ms, rel=0.1), step
