"""Pages that are loaded again, and several tabs of one user."""

from __future__ import annotations

import pytest

from harness.polling_clients.scenarios.promised import DELIVERY
from harness.polling_clients.stage import Stage


@pytest.mark.plan("CLIENT-60")
def test_the_page_is_reloaded(stage: Stage) -> None:
    """It goes on where it was, and gets what came meanwhile."""
    (client,) = stage.clients(1)
    for _ in range(2):
        stage.send(client.user, 20)
        stage.until_shown(client)
        stage.for_intervals(4)  # the cursor is stored by then
        stage.send(client.user)
        client.reload()
        stage.until_shown(client)
    stage.for_intervals(3)
    stage.check(*DELIVERY, "catches-up")


@pytest.mark.plan("CLIENT-61")
def test_two_tabs_share_the_polling(stage: Stage) -> None:
    """Both show everything, and one of them polls."""
    user = stage.user()
    tabs = [stage.client(user), stage.client(user)]
    for count in (1, 3, 1):
        stage.send(user, count)
        stage.until_shown(*tabs)
    stage.for_intervals(6)
    stage.check(*DELIVERY)


@pytest.mark.plan("CLIENT-62")
def test_the_tab_that_polls_is_closed(stage: Stage) -> None:
    """The other one goes on."""
    user = stage.user()
    tabs = [stage.client(user), stage.client(user)]
    stage.send(user)
    stage.until_shown(*tabs)
    leading, other = stage.by_polls(tabs)
    leading.close_tab()
    stage.send(user, 2)
    stage.until_shown(other)
    stage.for_intervals(4)
    stage.check(*DELIVERY, "catches-up")


@pytest.mark.plan("CLIENT-63")
def test_the_page_is_reloaded_as_soon_as_messages_come(stage: Stage) -> None:
    """What came with the last answer is shown before, or comes again."""
    client = stage.reading_client(messages=2)
    for _ in range(2):
        stage.send(client.user)
        stage.until_given(client)
        client.reload()
        stage.until_shown(client)
    stage.for_intervals(3)
    stage.check(*DELIVERY)
