"""Answers that are strange, of which some are right."""

from __future__ import annotations

import pytest

from harness.polling_clients.front import misbehaviours
from harness.polling_clients.scenarios.promised import DELIVERY
from harness.polling_clients.stage import Stage


@pytest.mark.plan("CLIENT-40")
def test_a_page_of_html_comes_instead_of_an_answer(stage: Stage) -> None:
    """It is 200 with the sign-in page of a network."""
    stage.misbehaves(misbehaviours.html(), times=2)
    stage.check(*DELIVERY, "catches-up")


@pytest.mark.plan("CLIENT-41")
def test_json_of_the_wrong_shape_comes_instead_of_an_answer(stage: Stage) -> None:
    """It is 200 with a list, with null, with fields of the wrong type."""
    stage.misbehaves(misbehaviours.wrong_shape(), times=3)
    stage.check(*DELIVERY, "catches-up")


@pytest.mark.plan("CLIENT-42")
def test_bad_messages_are_between_the_good_ones(stage: Stage) -> None:
    """The good ones are shown."""
    stage.misbehaves(misbehaviours.bad_message(), times=2, count=4)
    stage.check(*DELIVERY)


@pytest.mark.plan("CLIENT-43")
def test_a_page_comes_twice(stage: Stage) -> None:
    """The last answer with messages comes again."""
    stage.misbehaves(misbehaviours.doubled_page(), times=2)
    stage.check(*DELIVERY)


@pytest.mark.plan("CLIENT-44")
def test_a_page_is_missing_for_a_while(stage: Stage) -> None:
    """The answer is empty, and its cursor is where it was."""
    stage.misbehaves(misbehaviours.missing_page(), times=2)
    stage.check(*DELIVERY, "catches-up")


@pytest.mark.plan("CLIENT-45")
def test_the_server_says_that_messages_were_dropped(stage: Stage) -> None:
    """An answer with `gap` is an answer."""
    stage.misbehaves(misbehaviours.gap(), times=2)
    stage.check(*DELIVERY)


@pytest.mark.plan("CLIENT-46")
def test_the_server_asks_for_another_interval(stage: Stage) -> None:
    """It is three times as long, and then the usual one again."""
    slower_s = 3 * stage.numbers.interval_s
    stage.misbehaves(misbehaviours.poll_after(round(slower_s * 1000)), times=3, more_s=slower_s)
    stage.check(*DELIVERY)
