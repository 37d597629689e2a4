"""The kill matrix: which promise of which row catches each mutant."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.reports.run import RowResult, read_results
from harness.targets.profile import TARGETS
from harness.verdict import Verdict
from tests.mutants.registry import STORY, Mutant

RUN_WITHIN_S = 300.0
REFERENCE = "reference"


@dataclass(frozen=True)
class Trial:
    """What became of one mutant in its row. `broke` are the promises that were found broken."""

    mutant: Mutant
    verdict: Verdict
    seconds: float
    broke: Sequence[str] = field(default_factory=tuple)
    reason: str = ""

    @property
    def is_caught(self) -> bool:
        """Whether the promise that must catch it did."""
        return self.mutant.promise in self.broke

    @property
    def what(self) -> str:
        """The result in a few words."""
        if self.is_caught:
            return "caught"
        if self.broke:
            return f"caught by {', '.join(self.broke)} alone"
        return "survived" if self.verdict is Verdict.PASS else self.verdict.value


def try_mutant(mutant: Mutant, *, seed: int, reports: Path) -> Trial:
    """Run a mutant's row against it; once more if the run proved nothing."""
    folder = reports / mutant.name
    folder.mkdir(parents=True, exist_ok=True)
    profile = folder / "target.toml"
    profile.write_text(_profile(mutant.name), encoding="utf-8")
    began = time.monotonic()
    for _ in range(2):
        rows = run_rows([mutant.row], target=str(profile), seed=seed, reports=folder, jobs=1)
        trial = _trial(mutant, rows.get(mutant.row), time.monotonic() - began)
        if trial.is_caught or trial.verdict in (Verdict.PASS, Verdict.FAIL):
            break
    return trial


def run_rows(
    rows: Sequence[str], *, target: str, seed: int, reports: Path, jobs: int
) -> dict[str, RowResult]:
    """Run some rows in a harness of its own, which leaves what it printed in `reports`; maybe no results."""
    reports.mkdir(parents=True, exist_ok=True)
    only = [word for row in rows for word in ("--only", row)]
    options = ["--target", target, "--seed", str(seed), "--jobs", str(jobs), "--reports", str(reports)]
    command = [sys.executable, "-m", "harness", "run", *only, *options]
    with (reports / "output.txt").open("wb") as output:
        subprocess.run(command, stdout=output, stderr=output, timeout=RUN_WITHIN_S, check=False)
    results = reports / "results.json"
    return {row.id: row for row in read_results(results).rows} if results.exists() else {}


def passed(results: Path | None) -> dict[str, RowResult]:
    """The rows that passed in an earlier run; none without one."""
    if results is None or not results.exists():
        return {}
    return {row.id: row for row in read_results(results).rows if row.verdict is Verdict.PASS}


def _profile(name: str) -> str:
    """The reference server's profile with another command."""
    text = (TARGETS / f"{REFERENCE}.toml").read_text(encoding="utf-8")
    command = f'command = ["{{python}}", "-m", "tests.mutants.server", "{name}"]'
    changed, count = re.subn(r"(?m)^command = .*$", command, text)
    if count != 1:
        raise ValueError("the reference server's profile has no single line with its command")
    return changed


def _trial(mutant: Mutant, row: RowResult | None, seconds: float) -> Trial:
    if row is None:
        return Trial(mutant, Verdict.INCONCLUSIVE, seconds, reason="the run has no results")
    broke = [each.promise for each in row.judgements if each.verdict is Verdict.FAIL]
    if row.verdict is Verdict.FAIL and mutant.says and mutant.says in row.reason:
        broke.append(STORY)
    return Trial(mutant, row.verdict, seconds, tuple(dict.fromkeys(broke)), row.reason)
