"""A profile that does not fit its server, or no longer does: one sentence and exit code 2 or 3."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import pytest

from tests.edge.lanes import Lane
from tests.edge.running_rows import DEADLINE_S, ROOT

PLAIN = (ROOT / "tests" / "strange_servers" / "register_200.toml").read_text(encoding="utf-8")

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(DEADLINE_S + 10)]


def profile(folder: Path, *lines: str, **env: str) -> Path:
    """A profile of the strange server with more lines, and these variables for the server."""
    path = folder / "target.toml"
    variables = "".join(f', {name} = "{value}"' for name, value in env.items())
    path.write_text(PLAIN.replace(" }", f"{variables} }}", 1) + "\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("change", "same_for", "row", "said"),
    [
        ("poll messages", "5", "FLOW-06", "the answer to a poll has no `messages` (`wire.poll.messages`)"),
        (
            "send id=[1]",
            "12",
            "FLOW-06",
            "`id` (`wire.send.id`) in the answer to a send is a list, not a string",
        ),
        ("sign_in token", "12", "FLOW-11", "the answer to a sign-in has no `token` (`wire.sign_in.token`)"),
    ],
)
def test_answers_that_change_their_shape_in_mid_run_are_no_verdict(
    change: str, same_for: str, row: str, said: str, lane: Lane, tmp_path: Path
) -> None:
    target = profile(tmp_path, CHANGE=change, SAME_FOR=same_for)
    run = lane.run(target, tmp_path / "reports", row)
    assert (run.exit_code, run.rows[row]["verdict"]) == (3, "inconclusive"), run.said
    assert said in run.rows[row]["reason"]
    assert "the profile does not fit, or the server's answers have changed" in run.rows[row]["reason"]
    assert run.rows[row]["findings"] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("poll html", "the answer to a poll is not JSON; it begins with '<html>Please sign in"),
        ("poll id", "a message has no `id` (`wire.message.id`); it has"),
    ],
)
def test_answers_that_never_fit_end_the_run(change: str, said: str, lane: Lane, tmp_path: Path) -> None:
    target = profile(tmp_path, CHANGE=change, SAME_FOR="0")
    run = lane.run(target, tmp_path / "reports", "FLOW-02")
    assert run.exit_code == 2, run.said
    assert f"The profile does not fit the server: {said}" in run.said
    assert {row["verdict"] for row in run.rows.values()} <= {"inconclusive"}


def test_a_server_that_answers_nothing_is_wrong_usage(lane: Lane, tmp_path: Path) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
        target = tmp_path / "target.toml"
        address = "{}:{}".format(*silent.getsockname())
        lines = ('name = "silent"', f'url = "http://{address}"', "ready_within_s = 2")
        target.write_text("\n".join(lines), encoding="utf-8")
        run = lane.run(target, tmp_path / "reports", "FLOW-02")
    assert run.exit_code == 2, run.said
    (line,) = [line for line in run.said.splitlines() if line.startswith("harness: ")]
    assert address in line
    assert {row["verdict"] for row in run.rows.values()} <= {"inconclusive"}
