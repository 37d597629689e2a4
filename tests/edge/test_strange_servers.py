"""One honest server that speaks in many ways, each described by a short profile, is judged rightly.

It passes as it is, and with a bug it is found out, whatever it speaks.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.edge.running_rows import DEADLINE_S, ROOT, run_rows

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
    ("bare_list", "cursor_passes"),
    ("no_cursor", "cursor_passes"),
}
"""An id is a cursor without ties, and a page that names no cursor cannot name a wrong one."""

pytestmark = [
    pytest.mark.usefixtures("services"),  # skips, or fails in CI, where there are none to start
    pytest.mark.timeout(DEADLINE_S + 10),
]


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_a_short_profile_is_enough(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_it_passes_whatever_it_speaks(path: Path, tmp_path: Path) -> None:
    done, rows = run_rows(path, tmp_path, *HONEST)
    said = done.stdout + done.stderr
    assert "FLOW-06" in rows, said
    assert "fail" not in {row["verdict"] for row in rows.values()}, said
    undecided = [row["reason"] for row in rows.values() if row["verdict"] == "inconclusive"]
    assert all("too busy to measure" in reason for reason in undecided), said


def broken() -> list[tuple[Path, str]]:
    """Each profile with one of the bugs, by turns: every bug comes several times."""
    turns = list(BUGS)
    found = []
    for place, path in enumerate(PROFILES):
        bugs = [bug for bug in turns[place % 5 :] + turns[: place % 5] if (path.stem, bug) not in NOT_FOR]
        found.append((path, bugs[0]))
    return found


@pytest.mark.parametrize(("path", "bug"), broken(), ids=lambda value: getattr(value, "stem", value))
def test_a_bug_is_found_whatever_it_speaks(path: Path, bug: str, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    env = (
        text.replace("env = {", f'env = {{ BUG = "{bug}",')
        if "env = {" in text
        else f'{text}env.BUG = "{bug}"\n'
    )
    profile = tmp_path / "target.toml"
    profile.write_text(env.replace('"own_adapter.py', f'"{path.parent}/own_adapter.py'), encoding="utf-8")
    row, promise = BUGS[bug]
    done, rows = run_rows(profile, tmp_path / "reports", row)
    said = done.stdout + done.stderr
    assert (done.returncode, rows[row]["verdict"]) == (1, "fail"), said
    assert promise in {finding["promise"] for finding in rows[row]["findings"]}, said
