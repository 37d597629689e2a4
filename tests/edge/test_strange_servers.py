"""One honest server that speaks in many ways, each described by a short profile, is judged rightly.

It passes as it is, and with a bug it is found out, whatever it speaks. A row for which the machine was too
busy is run once more, as `harness run` does; a bug must be found all the same.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.edge.lanes import Lane
from tests.edge.running_rows import DEADLINE_S, ROOT

PROFILES = sorted((ROOT / "tests" / "strange_servers").glob("*.toml"))
MOST_LINES = 15
HONEST = ("FLOW-06", "POLL-05", "POLL-06", "SEND-03")
BUGS = {
    "equal_timestamps": ("FLOW-06", "no-loss"),
    "caps_pages": ("FLOW-06", "no-loss"),
    "stores_retries": ("CHAOS-06", "no-duplicate"),
    "foreign_mailbox": ("FLOW-03", "no-phantom"),
    "cursor_passes": ("FLOW-06", "cursor"),
}
NOT_FOR = {
    ("id_cursor", "equal_timestamps"),
    ("etag", "equal_timestamps"),
    ("bare_list", "cursor_passes"),
    ("no_cursor", "cursor_passes"),
    ("destructive", "equal_timestamps"),
    ("destructive", "cursor_passes"),
}
"""Ids and receipts are cursors without ties, and a page that names no cursor cannot name a wrong one."""

pytestmark = pytest.mark.timeout(DEADLINE_S + 10)


def broken() -> list[tuple[Path, str]]:
    """Each profile with one of the bugs, by turns: every bug comes several times."""
    turns, found = list(BUGS), list[tuple[Path, str]]()
    for place, path in enumerate(PROFILES):
        bugs = [bug for bug in turns[place % 5 :] + turns[: place % 5] if (path.stem, bug) not in NOT_FOR]
        found.append((path, bugs[0]))
    return found


def with_bug(path: Path, bug: str, folder: Path) -> Path:
    """The profile of the same server with a bug."""
    text = path.read_text(encoding="utf-8")
    env = (
        text.replace("env = {", f'env = {{ BUG = "{bug}",')
        if "env = {" in text
        else f'{text}env.BUG = "{bug}"\n'
    )
    profile = folder / "target.toml"
    profile.write_text(env.replace('"own_adapter.py', f'"{path.parent}/own_adapter.py'), encoding="utf-8")
    return profile


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_a_short_profile_is_enough(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.e2e
@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_it_passes_whatever_it_speaks(path: Path, lane: Lane, tmp_path: Path) -> None:
    run = lane.run(path, tmp_path, *HONEST)
    assert "FLOW-06" in run.rows, run.said
    assert "fail" not in {row["verdict"] for row in run.rows.values()}, run.said
    undecided = [row["reason"] for row in run.rows.values() if row["verdict"] == "inconclusive"]
    assert all("too busy to measure" in reason for reason in undecided), run.said
    assert run.rows["POLL-06"]["measured"]["polls"] < 100, "read on after everything had arrived"


@pytest.mark.e2e
@pytest.mark.parametrize(("path", "bug"), broken(), ids=lambda value: getattr(value, "stem", value))
def test_a_bug_is_found_whatever_it_speaks(path: Path, bug: str, lane: Lane, tmp_path: Path) -> None:
    row, promise = BUGS[bug]
    run = lane.run(with_bug(path, bug, tmp_path), tmp_path / "reports", row)
    assert (run.exit_code, run.rows[row]["verdict"]) == (1, "fail"), run.said
    assert promise in {finding["promise"] for finding in run.rows[row]["findings"]}, run.said
