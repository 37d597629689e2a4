"""Which scenario runs which row: asked of pytest, which knows."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness import scenarios
from harness.errors import InfrastructureError
from harness.plugin import row_ids

SCENARIOS = Path(scenarios.__file__).parent
ISOLATED = (
    *("-c", os.devnull, "--rootdir", str(SCENARIOS.parent.parent), "-o", "python_files=*.py"),
    *("-p", "harness.plugin", "-p", "no:terminal", "-p", "no:cacheprovider", "--strict-markers"),
)
"""pytest's arguments for the scenarios: whoever runs them, their own configuration stays out."""


@dataclass
class Runners:
    """The scenarios by the row they name, and those that name none; each as pytest's node id."""

    by_row: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    unmarked: list[str] = field(default_factory=list)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Called by pytest when it has found every test."""
        for item in session.items:
            for row in row_ids(item):
                self.by_row[row].append(item.nodeid)
            if not row_ids(item):
                self.unmarked.append(item.nodeid)


def collect() -> Runners:
    """Every scenario. Raises InfrastructureError when a module of them cannot be read."""
    runners = Runners()
    exit_code = pytest.main([str(SCENARIOS), *ISOLATED, "--collect-only"], plugins=[runners])
    if exit_code != pytest.ExitCode.OK:
        raise InfrastructureError(f"pytest could not collect the scenarios: it ended with {exit_code!r}.")
    return runners
