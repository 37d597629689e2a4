"""A server that behaves: what a client does when nothing is wrong."""

from __future__ import annotations

import pytest

from harness.polling_clients.front import misbehaviours
from harness.polling_clients.scenarios.promised import DELIVERY
from harness.polling_clients.stage import Stage


@pytest.mark.plan("CLIENT-01")
def test_several_users_get_their_messages(stage: Stage) -> None:
    """Messages come one by one and several at once; some have the same text."""
    clients = stage.clients(3)
    for count in (1, 3, 1):
        for client in clients:
            stage.send(client.user, count)
        stage.until_shown(*clients)
    stage.for_intervals(4)
    stage.check(*DELIVERY, "keeps-to-itself")


@pytest.mark.plan("CLIENT-02")
def test_more_messages_wait_than_one_answer_holds(stage: Stage) -> None:
    """They waited before the client started."""
    user = stage.user()
    stage.send(user, 220)
    client = stage.client(user)
    stage.until_shown(client)
    stage.for_intervals(2)
    stage.check(*DELIVERY, "catches-up")


@pytest.mark.plan("CLIENT-03")
def test_a_client_that_is_stopped_lets_go(stage: Stage) -> None:
    """One is stopped between two polls, another while an answer is on its way."""
    one, other = stage.clients(2)
    for client in (one, other):
        stage.send(client.user, 2)
    stage.until_shown(one, other)
    # So that its next poll is not due as soon as it is stopped.
    slower = misbehaviours.poll_after(round(3000 * stage.numbers.interval_s))
    hold = stage.held_back(other.user)
    stage.until_held_back(other)
    stage.send(other.user)
    with stage.script.during(slower, user=one.user.username):
        stage.until_misbehaved(1, one)
        one.stop()
    other.stop()
    stage.release(hold)
    for client in (one, other):
        stage.send(client.user)
    stage.for_intervals(6)
    stage.check("lets-go", "shows-once", "shows-in-order")


@pytest.mark.plan("CLIENT-04")
def test_a_second_start_changes_nothing(stage: Stage) -> None:
    """The page starts the polling again for the same user, three times, as pages do that are drawn afresh.

    If each start added a timer, two of the four would be due within a quarter of an interval.
    """
    client = stage.reading_client()
    for _ in range(3):
        client.start_again()
        stage.for_intervals(0.3)  # else they could be due together, and be one again
    stage.send(client.user, 2)
    stage.until_shown(client)
    stage.for_intervals(6)
    stage.check(*DELIVERY)


@pytest.mark.plan("CLIENT-05")
def test_a_client_that_was_stopped_stays_so(stage: Stage) -> None:
    """The page is hidden and shown again, and the browser goes offline and online."""
    client = stage.reading_client(messages=2)
    client.stop()
    client.hide()
    client.show()
    client.go_offline()
    client.go_online()
    stage.send(client.user)
    stage.for_intervals(6)
    stage.check("lets-go", "shows-once", "shows-in-order")
