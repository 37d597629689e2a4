"""One browser, several users one after the other."""

from __future__ import annotations

import pytest

from harness.polling_clients.stage import Stage


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
    stage.check("keeps-to-itself", "shows-once", "shows-in-order", "paced")
