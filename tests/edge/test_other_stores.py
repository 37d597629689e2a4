"""Rows of the plan break a store that only the profile names: an honest server passes, a forgetful one fails.

The store is a Redis, behind a proxy like any other TCP server: the harness does not know what it is.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from harness.stack import Services
from tests.edge.running_rows import DEADLINE_S, ROOT, run_rows

PROFILE = ROOT / "tests" / "edge" / "programs" / "honest_server.toml"
ROWS = ("CHAOS-41", "CHAOS-42", "CHAOS-43", "CHAOS-44")

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(DEADLINE_S + 10)]


def profile(folder: Path, services: Services, *program: str) -> Path:
    """The profile of a server that keeps its Redis at an address which says nothing of Redis."""
    words = [f"tests/edge/programs/{program[0]}", *program[1:]]
    named = ", ".join(f'"{word}"' for word in words)
    where = '"{port}", "redis://{kv_host}:{kv_port}/0", "{mongodb_url}", "{database}"'
    upstream = urlsplit(services.redis_direct_url).netloc
    changed = {
        "command": f'command = ["{{python}}", {named}, {where}]',
        "workers": f'workers = 1\nstores = {{ mongodb = {{}}, kv = {{ upstream = "{upstream}" }} }}',
    }
    lines = PROFILE.read_text(encoding="utf-8").splitlines()
    path = folder / "target.toml"
    path.write_text("\n".join(changed.get(line.split(" ")[0], line) for line in lines), encoding="utf-8")
    return path


def test_a_server_that_lives_without_its_store_passes(services: Services, tmp_path: Path) -> None:
    target = profile(tmp_path, services, "honest_server.py")
    done, rows = run_rows(target, tmp_path / "reports", *ROWS)
    assert rows.keys() == set(ROWS), done.stdout + done.stderr
    assert "fail" not in {row["verdict"] for row in rows.values()}, done.stdout
    undecided = [row["reason"] for row in rows.values() if row["verdict"] == "inconclusive"]
    assert all("too busy to measure" in reason for reason in undecided), done.stdout


def test_a_server_that_forgets_without_its_store_is_found_out(services: Services, tmp_path: Path) -> None:
    target = profile(tmp_path, services, "broken_server.py", "ForgetsWithoutRedis")
    done, rows = run_rows(target, tmp_path / "reports", "CHAOS-41")
    assert (done.returncode, rows["CHAOS-41"]["verdict"]) == (1, "fail"), done.stdout + done.stderr
    found = {(finding["promise"], finding["kind"]) for finding in rows["CHAOS-41"]["findings"]}
    assert ("no-loss", "not_stored") in found, rows["CHAOS-41"]["reason"]
