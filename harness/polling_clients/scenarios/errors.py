"""Polls that fail: the client goes on, more slowly at first, and loses nothing."""

from __future__ import annotations

import pytest

from harness.polling_clients.front import misbehaviours
from harness.polling_clients.scenarios.promised import DELIVERY
from harness.polling_clients.stage import Stage

RETRY_AFTER_S = 2


@pytest.mark.plan("CLIENT-10")
def test_the_service_is_unavailable(stage: Stage) -> None:
    """It is 503 without `Retry-After`, several times in a row."""
    stage.misbehaves(misbehaviours.status(503), times=4)
    stage.check(*DELIVERY, "catches-up")


@pytest.mark.plan("CLIENT-11")
def test_the_service_says_in_seconds_when_it_will_be_available(stage: Stage) -> None:
    """It is 503 with `Retry-After` in seconds."""
    stage.misbehaves(misbehaviours.status(503, retry_after=RETRY_AFTER_S), times=1, more_s=RETRY_AFTER_S)
    stage.check(*DELIVERY, "catches-up")


@pytest.mark.plan("CLIENT-12")
def test_the_service_says_by_a_date_when_it_will_be_available(stage: Stage) -> None:
    """It is 503 with `Retry-After` as a date of HTTP."""
    unavailable = misbehaviours.status(503, retry_after=RETRY_AFTER_S, as_date=True)
    stage.misbehaves(unavailable, times=1, more_s=RETRY_AFTER_S + 1)
    stage.check(*DELIVERY, "catches-up")


@pytest.mark.plan("CLIENT-13")
def test_the_client_is_too_fast_for_the_server(stage: Stage) -> None:
    """It is 429 without `Retry-After`: a client that answers at once never stops."""
    stage.misbehaves(misbehaviours.status(429), times=3)
    stage.check(*DELIVERY, "catches-up")


@pytest.mark.plan("CLIENT-14")
def test_the_server_says_how_long_the_client_must_wait(stage: Stage) -> None:
    """It is 429 with `Retry-After`."""
    stage.misbehaves(misbehaviours.status(429, retry_after=RETRY_AFTER_S), times=1, more_s=RETRY_AFTER_S)
    stage.check(*DELIVERY, "catches-up")


@pytest.mark.plan("CLIENT-15")
def test_the_server_has_a_bug(stage: Stage) -> None:
    """It is 500."""
    stage.misbehaves(misbehaviours.status(500), times=2)
    stage.check(*DELIVERY, "catches-up")


@pytest.mark.plan("CLIENT-16")
def test_the_token_is_not_accepted_any_more(stage: Stage) -> None:
    """The client may stop for good, or ask again; but not faster than before."""
    client = stage.reading_client()
    stage.for_intervals(4)
    with stage.during(misbehaviours.status(401)):
        stage.until_misbehaved(1, client)
        stage.for_intervals(8)
    stage.check("paced", "shows-once", "keeps-to-itself")


@pytest.mark.plan("CLIENT-17")
def test_clients_that_failed_together_do_not_come_back_together(stage: Stage) -> None:
    """Four clients are answered 503 at the same time, several times."""
    clients = stage.clients(4)
    with stage.during(misbehaviours.status(503)):
        for client in clients:
            stage.until_misbehaved(5, client)
    for client in clients:
        stage.send(client.user, 2)
    stage.until_shown(*clients)
    stage.for_intervals(3)
    stage.check(*DELIVERY, "catches-up", "keeps-to-itself")
