"""A row whose misbehaviour met no poll proves nothing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import InfrastructureError
from harness.polling_clients.front import misbehaviours
from harness.polling_clients.front.script import Script
from harness.polling_clients.profile import load_client
from harness.polling_clients.stage import Stage
from tests.unit.harness.polling_clients.test_front_script import exchange


@pytest.fixture
def stage() -> Any:
    """A stage without a server, whose client keeps every promise."""
    run: Any = SimpleNamespace(
        recorder=SimpleNamespace(record=lambda *told, **more: None), check=lambda *promises: None
    )
    none: Any = None
    stage = Stage(run, load_client("reference"), none, none, Path("client.log"))
    front: Any = SimpleNamespace(script=Script())
    stage._front = front
    return stage


def test_a_misbehaviour_that_no_poll_met_is_said_after_the_judging(stage: Any) -> None:
    with stage.during(misbehaviours.status(503)):
        pass
    with pytest.raises(
        InfrastructureError, match="was to misbehave \\(status 503\\), but no poll came meanwhile"
    ):
        stage.check("paced")


def test_a_misbehaviour_that_met_a_poll_is_nothing_to_say(stage: Any) -> None:
    with stage.during(misbehaviours.status(503)):
        assert stage.script.take(exchange()).name == "status 503"
    stage.check("paced")
