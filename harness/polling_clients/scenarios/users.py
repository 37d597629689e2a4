"""One browser, several users one after the other."""

from __future__ import annotations

import pytest

from harness.polling_clients.stage import Stage

PROMISED = ("keeps-to-itself", "shows-once", "shows-in-order", "paced")


@pytest.mark.plan("CLIENT-30")
def test_the_user_is_switched_while_an_answer_is_on_its_way(stage: Stage) -> None:
    """The answer for the user before comes when the next one is already there."""
    before, after = stage.user(), stage.user()
    client = stage.client(before)
    stage.send(before)
    stage.until_shown(client)
    stage.send(after, 2)
    hold = stage.held_back(before)
    stage.until_held_back(client)
    stage.send(before)
    client.switch(after)
    stage.until_shown(client)
    stage.release(hold)
    stage.send(after, 2)
    stage.until_shown(client)
    stage.for_intervals(2)
    stage.check(*PROMISED)


@pytest.mark.plan("CLIENT-31")
def test_the_user_is_switched_back_and_forth(stage: Stage) -> None:
    """Each goes on where he was, and gets what came meanwhile."""
    one, other = stage.user(), stage.user()
    client = stage.client(one)
    for user in (other, one, other, one):
        stage.send(client.user, 2)
        stage.until_shown(client)
        stage.send(user)
        client.switch(user)
        stage.until_shown(client)
    stage.for_intervals(6)  # the timer of a mailbox that is still polled runs out, also after an error
    stage.check("shows-all", *PROMISED)
