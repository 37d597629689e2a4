"""A network and a server that come and go."""

from __future__ import annotations

import pytest

from harness.polling_clients.front import misbehaviours
from harness.polling_clients.scenarios.promised import DELIVERY
from harness.polling_clients.stage import Stage


@pytest.mark.plan("CLIENT-20")
def test_connections_are_reset(stage: Stage) -> None:
    """The connection ends instead of an answer."""
    stage.misbehaves(misbehaviours.reset(), times=2)
    stage.check(*DELIVERY, "catches-up")


@pytest.mark.plan("CLIENT-21")
def test_a_poll_is_never_answered(stage: Stage) -> None:
    """The connection stays open, and nothing comes."""
    stage.misbehaves(misbehaviours.never_answered(), times=1)
    stage.check(*DELIVERY, "catches-up")


@pytest.mark.plan("CLIENT-22")
def test_answers_are_cut_off(stage: Stage) -> None:
    """Half of the body comes; what it said is not lost."""
    stage.misbehaves(misbehaviours.cut_body(), times=2)
    stage.check(*DELIVERY, "catches-up")


@pytest.mark.plan("CLIENT-23")
def test_answers_are_late(stage: Stage) -> None:
    """They come later than the next poll would be due, and before the client gives up."""
    late_s = min(0.7 * stage.numbers.timeout_s, 3 * stage.numbers.interval_s)
    stage.misbehaves(misbehaviours.late(late_s), times=3, more_s=late_s)
    stage.check(*DELIVERY)


@pytest.mark.plan("CLIENT-24")
def test_the_server_is_restarted(stage: Stage) -> None:
    """It is killed, is away for a moment, and starts again."""
    client = stage.reading_client(messages=2)
    stage.restart_server(while_down=lambda: stage.until_failed(2, client))
    stage.send(client.user, 2)
    stage.until_shown(client)
    stage.for_intervals(3)
    stage.check(*DELIVERY, "catches-up")


@pytest.mark.plan("CLIENT-25")
def test_every_answer_takes_half_an_interval(stage: Stage) -> None:
    """They still begin an interval apart."""
    (client,) = stage.clients(1)
    with stage.during(misbehaviours.late(0.5 * stage.numbers.interval_s)):
        stage.send(client.user, 2)
        stage.until_misbehaved(14, client)
    stage.send(client.user, 2)
    stage.until_shown(client)
    stage.for_intervals(3)
    stage.check(*DELIVERY)
