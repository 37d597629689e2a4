"""When the tests of this folder begin that run rows of the plan."""

from __future__ import annotations

import pytest

from harness.runner.order import row_marks
from harness.stack.target_process import Target


def test_once_their_server_runs_tests_begin_whether_there_is_room_or_not(
    one_server: Target, request: pytest.FixtureRequest
) -> None:
    assert one_server.running
    assert row_marks(request.node, "light")


def test_what_needs_no_server_waits_for_room(request: pytest.FixtureRequest) -> None:
    assert not row_marks(request.node, "light")
