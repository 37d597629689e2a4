"""keeps-polling, paced, catches-up and lets-go."""

from __future__ import annotations

from itertools import count
from random import Random

import pytest

from harness.checkers.clients.backing_off import chance_of
from harness.verdict import Verdict
from tests.unit.harness.checkers.clients.client_story import TAB, ClientStory, running
from tests.unit.harness.checkers.clients.test_shows import judged, kinds

CLIENTS = ("tab-1", "tab-2", "tab-3", "tab-4")


def between(start_s: float, stop_s: float, until_s: float = 20.0, **has: bool) -> ClientStory:
    """A client that does not poll between two times."""
    return ClientStory(**has).told(1.0, "start").polls(1.0, start_s).polls(stop_s, until_s).over(until_s)


def failing(
    *waits_s: float, client: str = TAB, user: str = "bob", story: ClientStory | None = None
) -> ClientStory:
    """A client whose polls fail, with these waits between them, and then succeed."""
    story = (story or ClientStory()).told(1.0, "start", client=client, user=user)
    at_s = 1.0
    for wait_s in waits_s:
        story.poll(at_s, client=client, user=user, status=503)
        at_s += 0.01 + wait_s
    return story.polls(at_s, at_s + 3, client=client, user=user)


# keeps-polling


@pytest.mark.parametrize(("stop_s", "found"), [(7.5, []), (8.5, ["stopped_polling"])])
def test_a_client_that_stays_away_for_too_long(stop_s: float, found: list[str]) -> None:
    assert kinds("keeps-polling", between(3.0, stop_s)) == found


def test_a_client_that_never_polls_again() -> None:
    story = ClientStory().told(1.0, "start").polls(1.0, 3.0).poll(3.0, status=503).over(20.0)
    assert kinds("keeps-polling", story) == ["stopped_polling"]
    assert "answered 503" in judged("keeps-polling", story).reason


def test_a_client_that_never_polls() -> None:
    story = ClientStory().told(1.0, "start").over(20.0).told(1.0, "start", client="tab-2", user="carol")
    assert kinds("keeps-polling", story.polls(1.0, 20.0, client="tab-2", user="carol")) == ["stopped_polling"]


def test_what_keeps_a_client_from_polling() -> None:
    assert kinds("keeps-polling", between(3.0, 12.0).told(3.0, "freeze").told(11.0, "resume")) == []
    assert kinds("keeps-polling", between(3.0, 12.0).told(3.0, "offline").told(11.0, "online")) == []
    assert kinds("keeps-polling", between(3.0, 25.0).told(3.0, "offline")) == []
    assert kinds("keeps-polling", between(3.0, 12.0).poll(3.0, status=503, retry_after_s=5)) == []
    assert kinds("keeps-polling", between(3.0, 12.0).poll(3.0, poll_after_ms=5000)) == []
    assert kinds("keeps-polling", between(3.0, 25.0).poll(3.0, status=401)) == []
    assert kinds("keeps-polling", between(3.0, 25.0).told(3.2, "stop")) == []
    assert kinds("keeps-polling", between(3.0, 12.0).told(3.2, "stop").told(11.8, "start")) == []


def test_another_tab_may_poll_for_all() -> None:
    story = between(3.0, 25.0).told(2.0, "start", client="tab-2").polls(2.0, 20.0, client="tab-2")
    assert kinds("keeps-polling", story) == []
    story.poll(18.8, 19.5, client="tab-2").poll(18.81, 18.82)  # the second one ends before the first one
    assert kinds("keeps-polling", story) == []


def test_a_poll_that_hangs() -> None:
    assert kinds("keeps-polling", between(3.0, 7.0).poll(3.0, 6.9, status=None)) == ["hangs"]
    assert kinds("keeps-polling", between(3.0, 7.0).poll(3.0, 6.9, wait_s=2.0)) == []


def test_a_busy_machine_excuses_pauses() -> None:
    assert judged("keeps-polling", between(3.0, 9.0).busy(3.0, 9.0)).verdict is Verdict.INCONCLUSIVE
    story = between(3.0, 7.0).poll(3.0, 6.9, status=None).busy(3.0, 6.9)
    assert judged("keeps-polling", story).verdict is Verdict.INCONCLUSIVE


# paced


def test_two_polls_at_once() -> None:
    assert kinds("paced", between(3.0, 4.0).poll(3.0, 3.9).poll(3.5, 3.6)) == ["two_in_flight"]
    assert kinds("paced", between(3.0, 4.0).poll(3.0, 3.9, status=None, aborted=True).poll(3.5, 3.6)) == []
    story = between(3.0, 4.0).poll(3.0, 3.9).poll(3.5, 3.6).busy(2.0, 4.0)
    assert judged("paced", story).verdict is Verdict.INCONCLUSIVE


def test_too_fast() -> None:
    assert kinds("paced", between(3.0, 4.0).poll(3.0).poll(3.1).poll(3.55)) == ["too_fast"]
    assert (
        judged("paced", between(3.0, 4.0).poll(3.0).poll(3.1).poll(3.55).busy(2, 3)).verdict
        is Verdict.INCONCLUSIVE
    )


@pytest.mark.parametrize(
    "why",
    [{"has_more": True, "next_since": "c"}, {"wait_s": 5.0}, {"poll_after_ms": 100}, {"is_good": False}],
)
def test_what_allows_the_next_poll_at_once(why: dict[str, object]) -> None:
    assert kinds("paced", between(3.0, 4.0).poll(3.0, **why).poll(3.1).poll(3.55)) == []


def test_what_wakes_a_client_allows_a_poll_at_once() -> None:
    assert kinds("paced", between(3.0, 4.0).poll(3.0).poll(3.1).poll(3.55).told(3.05, "show")) == []


def test_a_cursor_that_does_not_move_asks_for_nothing_more() -> None:
    story = between(3.0, 4.0).poll(3.0, since="c", next_since="c", has_more=True).poll(3.1).poll(3.55)
    assert kinds("paced", story) == ["too_fast"]


def test_too_slow() -> None:
    assert kinds("paced", between(3.0, 4.5)) == ["too_slow"]
    assert kinds("paced", between(3.0, 4.5).poll(2.9, has_more=True, next_since="c")) == ["too_slow"]
    assert kinds("paced", between(3.0, 4.5).poll(2.9, poll_after_ms=1500)) == []
    other = between(3.0, 4.5).told(1.0, "start", client="tab-2")
    assert kinds("paced", other.polls(1.0, 20.0, client="tab-2")) == []


def test_too_slow_on_a_machine_that_was_busy_for_a_moment_only() -> None:
    """A client polls as soon as the machine is free again, which is a second after the pressure."""
    assert kinds("paced", between(3.0, 8.0).busy(3.0, 3.5)) == ["too_slow"]
    assert judged("paced", between(3.0, 5.0).busy(3.0, 3.5)).verdict is Verdict.INCONCLUSIVE
    twice = between(3.0, 5.0).busy(3.2, 3.8)  # free for a moment before it, and for another after it
    assert judged("paced", twice).verdict is Verdict.INCONCLUSIVE


def test_the_servers_interval_counts_only_for_clients_that_know_it() -> None:
    assert kinds("paced", between(3.0, 4.5, poll_after_ms=False).poll(2.9, poll_after_ms=1500)) == [
        "too_slow"
    ]


def test_retry_after() -> None:
    for status in (503, 429):
        story = between(3.0, 4.0).poll(3.0, status=status, retry_after_s=3.0)
        assert kinds("paced", story) == ["ignored_retry_after"]
    assert kinds("paced", between(3.0, 6.0).poll(3.0, status=503, retry_after_s=3.0)) == []
    story = between(3.0, 4.0, retry_after=False).poll(3.0, status=503, retry_after_s=3.0)
    assert kinds("paced", story) == []


def test_pressure_does_not_explain_a_poll_before_the_time_that_the_server_asked_for() -> None:
    early = between(3.0, 4.0).poll(3.0, status=503, retry_after_s=3.0).busy(2.5, 4.5)
    assert kinds("paced", early) == ["ignored_retry_after"]
    at_once = between(3.0, 3.05).poll(3.0, status=429).busy(2.5, 4.5)
    assert kinds("paced", at_once) == ["answered_429_at_once"]
    answered_late = between(3.0, 5.8).poll(
        3.0, end_s=4.0, status=503, retry_after_s=3.0
    )  # 2.8 s after the start
    assert kinds("paced", answered_late) == ["ignored_retry_after"]
    assert judged("paced", answered_late.busy(2.5, 4.5)).verdict is Verdict.INCONCLUSIVE


def test_429_is_not_answered_at_once() -> None:
    assert kinds("paced", between(3.0, 3.05).poll(3.0, status=429)) == ["answered_429_at_once"]
    assert kinds("paced", between(3.0, 3.3).poll(3.0, status=429)) == []


def test_hammering() -> None:
    assert "hammers" in kinds("paced", failing(*[0.02] * 6))
    assert "hammers" not in kinds("paced", failing(*[0.02] * 4, 0.3, 0.02))


def test_no_back_off() -> None:
    assert kinds("paced", failing(*[0.5] * 14)) == ["no_back_off"]
    assert kinds("paced", failing(*[0.5] * 13, 2.0)) == ["no_back_off"]  # the machine may have been busy once
    assert kinds("paced", failing(*[0.5] * 7, 2.0, 4.0, 3.0, 4.0, 2.0)) == []
    assert kinds("paced", failing(*[0.5] * 4)) == []
    assert kinds("paced", failing(*[0.5] * 14, story=ClientStory(back_off=False))) == []


def test_a_client_that_tries_again_all_the_time_is_judged_quickly() -> None:
    assert kinds("paced", failing(*[0.001] * 5_000)) == ["hammers", "no_back_off"]


@pytest.mark.parametrize("seed", range(200))
def test_a_client_that_backs_off_with_full_jitter_is_never_found_not_to(seed: int) -> None:
    random = Random(seed)
    caps = (min(4.0, 0.5 * 2.0**place) for place in range(random.randint(1, 40)))
    waits = [max(0.45, random.uniform(0, cap)) for cap in caps]
    assert "no_back_off" not in kinds("paced", failing(*waits))


def test_the_probability_that_things_happen_together() -> None:
    """By hand: of two things, and of three."""
    assert chance_of(0, [0.1, 0.2]) == pytest.approx(1)
    assert chance_of(1, [0.1, 0.2]) == pytest.approx(1 - 0.9 * 0.8)
    assert chance_of(2, [0.1, 0.2]) == pytest.approx(0.1 * 0.2)
    assert chance_of(2, [0.5, 0.5, 0.5]) == pytest.approx(0.5)
    assert chance_of(1, []) == 0


def test_a_client_that_goes_on_growing() -> None:
    assert kinds("paced", failing(0.5, 1.0, 2.0, 4.0, 4.0, 4.0)) == []


def test_no_jitter() -> None:
    story = ClientStory()
    for client in CLIENTS:
        failing(0.5, 1.0, 2.0, 4.0, client=client, user=f"user of {client}", story=story)
    assert kinds("paced", story) == ["no_jitter"]


def test_jitter() -> None:
    story = ClientStory()
    for number, client in zip(count(1), CLIENTS, strict=False):
        failing(
            0.1 * number, 0.2 * number, 0.4 * number, client=client, user=f"user of {client}", story=story
        )
    assert kinds("paced", story) == []


def test_drifting() -> None:
    def late(spacing_s: float) -> ClientStory:
        story = ClientStory().told(1.0, "start")
        for number in range(8):
            story.poll(1.0 + number * spacing_s, 1.2 + number * spacing_s)
        return story.over(9.0)

    assert kinds("paced", late(0.7)) == ["drifts"]
    assert kinds("paced", late(0.5)) == []
    assert judged("paced", late(0.7).busy(1.0, 2.0)).verdict is Verdict.INCONCLUSIVE


def test_two_tabs_that_both_poll() -> None:
    def tabs(until_s: float = 12.0) -> ClientStory:
        story = running(12.0, tabs=True).told(2.0, "start", client="tab-2")
        return story.polls(2.2, until_s, client="tab-2")

    assert kinds("paced", tabs()) == ["tabs_both_poll"]
    assert kinds("paced", tabs(3.0)) == []
    assert judged("paced", tabs().busy(3.0, 12.0)).verdict is Verdict.INCONCLUSIVE


# catches-up


def test_what_wakes_a_client_makes_it_poll() -> None:
    assert kinds("catches-up", between(3.0, 8.0).told(4.0, "show")) == ["did_not_poll"]
    assert kinds("catches-up", between(3.0, 5.0).told(4.0, "show")) == []
    assert (
        judged("catches-up", between(3.0, 8.0).told(4.0, "show").busy(3, 5)).verdict is Verdict.INCONCLUSIVE
    )


def test_a_poll_that_hangs_since_before_the_sleep_is_not_one_after_it() -> None:
    def asleep(next_s: float) -> ClientStory:
        story = ClientStory().told(1.0, "start").polls(1.0, 4.0).told(4.1, "freeze").told(4.2, "resume")
        return story.poll(4.0, next_s, status=None, aborted=True).polls(next_s, 20.0).over(20.0)

    assert kinds("catches-up", asleep(5.0)) == []
    assert kinds("catches-up", asleep(11.0)) == ["did_not_poll"]


def test_a_busy_machine_excuses_only_what_it_explains() -> None:
    """It is free a second after the pressure. After a poll that failed, a client may also back off."""

    def woken() -> ClientStory:
        return between(3.0, 8.0).told(4.0, "show").busy(3.0, 3.5)

    assert judged("catches-up", woken()).verdict is Verdict.FAIL  # the machine was free from 4.5 s to 8 s
    failed = woken().poll(3.4, 4.4, status=503)
    assert judged("catches-up", failed).verdict is Verdict.INCONCLUSIVE
    offline = woken().told(7.6, "offline").told(7.9, "online")
    assert judged("catches-up", offline).verdict is Verdict.FAIL
    offline = between(3.0, 12.0).told(4.0, "show").busy(4.0, 4.9).told(7.5, "offline").told(11.9, "online")
    assert judged("catches-up", offline).verdict is Verdict.INCONCLUSIVE  # it was free for 1.6 s before


def test_a_server_that_is_well_again() -> None:
    assert kinds("catches-up", between(3.0, 8.0).healed(4.0)) == []
    assert kinds("catches-up", between(3.0, 12.0).healed(4.0)) == ["did_not_poll"]


def test_a_client_that_cannot_poll_is_not_woken() -> None:
    assert (
        kinds("catches-up", between(3.0, 12.0).told(3.0, "offline").told(4.0, "show").told(11.5, "online"))
        == []
    )
    story = ClientStory().told(1.0, "switch", user=None).told(1.0, "start").over(1.2).told(9.0, "show")
    assert judged("catches-up", story).verdict is Verdict.INCONCLUSIVE


def test_what_had_waited_is_shown_soon() -> None:
    def woken(shown_s: float | None) -> ClientStory:
        story = running(20.0).told(2.0, "hide").sent(3.0, "m1", 1).told(4.0, "show")
        return story if shown_s is None else story.handed(shown_s, "m1")

    assert kinds("catches-up", woken(4.5)) == []
    assert kinds("catches-up", woken(12.0)) == ["shown_late"]
    assert kinds("catches-up", woken(None)) == []  # this is for shows-all
    assert kinds("catches-up", woken(12.0).poll(5.0, status=503, script="status 503")) == []
    assert judged("catches-up", woken(12.0).busy(3, 6.5)).verdict is Verdict.INCONCLUSIVE
    assert kinds("catches-up", woken(14.0).busy(3, 5)) == ["shown_late"]  # it was free for 8 s
    assert kinds("catches-up", woken(14.0).busy(5, 6).busy(9, 10)) == ["shown_late"]  # and for 6 s, added up


# lets-go


def stopped(client: str = TAB) -> ClientStory:
    """A client that is stopped at 5 s."""
    story = ClientStory().told(1.0, "start", client=client).polls(1.0, 5.0, client=client)
    return story.told(5.0, "stop", client=client).over(12.0)


def test_a_client_that_lets_go() -> None:
    assert kinds("lets-go", stopped().poll(5.2).poll(9.0, client="tab-2")) == []
    assert judged("lets-go", stopped()).verdict is Verdict.PASS
    assert judged("lets-go", running()).verdict is Verdict.INCONCLUSIVE


def test_a_client_that_goes_on() -> None:
    assert kinds("lets-go", stopped().poll(6.0)) == ["still_polls"]
    assert kinds("lets-go", stopped().handed(5.1, "m1")) == ["still_shows"]
    assert kinds("lets-go", stopped("program-1").handed(5.1, "m1", client="program-1")) == []
    assert kinds("lets-go", stopped().poll(4.9, 9.0)) == ["left_request"]
    assert judged("lets-go", stopped().poll(4.9, 9.0).busy(5, 9)).verdict is Verdict.INCONCLUSIVE


def test_a_client_that_is_started_again() -> None:
    assert kinds("lets-go", stopped().told(8.0, "start").polls(8.0, 12.0).handed(8.5, "m1")) == []
