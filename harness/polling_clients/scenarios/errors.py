"""Polls that fail: the client goes on, more slowly at first, and loses nothing."""

from __future__ import annotations

import pytest

from harness.polling_clients.front import misbehaviours
from harness.polling_clients.front.misbehaviours import Misbehaviour
from harness.polling_clients.scenarios.promised import DELIVERY
from harness.polling_clients.stage import Stage


def _fails(stage: Stage, misbehaviour: Misbehaviour, *, times: int = 2, more_s: float = 0.0) -> None:
    """Let some polls fail while messages come, and then no more."""
    client = stage.client(stage.user())
    stage.send(client.user, 2)
    stage.until_shown(client)
    with stage.during(misbehaviour):
        stage.send(client.user, 2)
        stage.until_misbehaved(times, client, more_s=more_s)
    stage.send(client.user, 2)
    stage.until_shown(client, more_s=more_s)
    stage.for_intervals(3)
    stage.check(*DELIVERY, "catches-up")


@pytest.mark.plan("CLIENT-10")
def test_the_service_is_unavailable(stage: Stage) -> None:
    """It is 503 without `Retry-After`."""
    _fails(stage, misbehaviours.status(503), times=4)


@pytest.mark.plan("CLIENT-11")
def test_the_service_says_when_it_will_be_available(stage: Stage) -> None:
    """It is 503 with `Retry-After` in seconds."""
    _fails(stage, misbehaviours.status(503, retry_after=2), times=1, more_s=3)
