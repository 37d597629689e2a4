"""A page, or a program, that the machine lets sleep."""

from __future__ import annotations

import pytest

from harness.polling_clients.front import misbehaviours
from harness.polling_clients.scenarios.promised import DELIVERY
from harness.polling_clients.stage import Stage

SLEPT_S = 600.0


@pytest.mark.plan("CLIENT-50")
def test_the_page_is_hidden(stage: Stage) -> None:
    """It goes on, at no faster pace, also after an error; then it is shown again."""
    client = stage.reading_client()
    client.hide()
    stage.send(client.user)
    stage.until_shown(client)
    with stage.during(misbehaviours.status(503)):
        stage.send(client.user)  # ends a poll that was held when the server began to misbehave
        stage.until_misbehaved(1, client)
    stage.send(client.user)
    stage.until_shown(client)
    stage.for_intervals(6)
    client.show()
    stage.send(client.user)
    stage.until_shown(client)
    stage.for_intervals(2)
    stage.check(*DELIVERY, "catches-up")


@pytest.mark.plan("CLIENT-51")
def test_the_client_is_frozen_and_resumed(stage: Stage) -> None:
    """Messages come meanwhile. A page is resumed before it is shown, if it goes on while it is hidden."""
    client = stage.reading_client()
    client.freeze()
    stage.send(client.user, 3)
    stage.for_intervals(3)
    client.resume()
    if stage.has.hidden:
        stage.until_shown(client)
    if stage.profile.page:
        client.show()
    stage.until_shown(client)
    stage.send(client.user)  # ends a poll that is held, as a hidden page may ask
    stage.until_shown(client)
    stage.for_intervals(3)
    stage.check(*DELIVERY, "catches-up")


@pytest.mark.plan("CLIENT-52")
def test_the_machine_sleeps_while_an_answer_is_on_its_way(stage: Stage) -> None:
    """The clocks jump by ten minutes, and the connection is dead without saying so."""
    client = stage.reading_client(with_clock=True)
    stage.script.next(misbehaviours.never_answered(), user=client.user.username)
    stage.until_asked(client)
    client.fall_asleep()
    stage.send(client.user, 3)
    client.wake_up(slept_s=SLEPT_S)
    stage.until_shown(client)
    stage.for_intervals(3)
    stage.check(*DELIVERY, "catches-up")


@pytest.mark.plan("CLIENT-53")
def test_the_browser_is_offline_for_a_while(stage: Stage) -> None:
    """Messages come meanwhile."""
    client = stage.reading_client()
    client.go_offline()
    stage.send(client.user, 2)
    stage.for_intervals(6)
    client.go_online()
    stage.until_shown(client)
    stage.for_intervals(3)
    stage.check(*DELIVERY, "catches-up")
