"""Where the plan and the tests that run it disagree, in both directions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.plan import PlanRow, hint


@dataclass
class Runners:
    """Pytest's node ids: of the scenarios and tests by the row they name, and of scenarios that name none."""

    scenarios: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    tests: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    unmarked: list[str] = field(default_factory=list)

    def of(self, row: str) -> list[str]:
        """Return what runs a row, each function once."""
        found = self.scenarios.get(row, []) + self.tests.get(row, [])
        return list(dict.fromkeys(function_of(node) for node in found))


def drift(rows: Sequence[PlanRow], runners: Runners) -> list[str]:
    """Return one sentence for each disagreement; an empty list when plan and runners agree.

    A row is run by exactly the tests that its "Run by" names, or by a scenario where it names none. So a row
    cannot lose a runner, nor a runner its row, without being noticed.
    """
    said = [sentence for row in rows for sentence in _of_row(row, runners)]
    said += _unknown_rows([row.id for row in rows], runners.scenarios)
    said += _unknown_rows([row.id for row in rows], runners.tests)
    return said + [f"{node} names no row of the plan." for node in runners.unmarked]


def function_of(node: str) -> str:
    """Return a node id without class and parameters: 'tests/test_a.py::test_one'."""
    file, _, rest = node.partition("::")
    return f"{file}::{rest.partition('[')[0].rpartition('::')[2]}"


def _of_row(row: PlanRow, runners: Runners) -> Iterator[str]:
    name = f"{row.id} ({row.title}, line {row.line} of the plan)"
    scenarios = runners.scenarios.get(row.id, [])
    found = list(dict.fromkeys(map(function_of, runners.tests.get(row.id, []))))
    if not row.tests and not scenarios:
        yield f"No test runs {name}."
    for test in row.tests:
        if test not in found:
            yield f"The plan says that {test} runs {name}, but no such test names the row."
    for runner in [test for test in found if test not in row.tests] + (scenarios if row.tests else []):
        yield f'{runner} names the row {row.id}, but that row\'s "Run by" does not name it.'


def _unknown_rows(ids: Sequence[str], runners: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for id_, nodes in sorted(runners.items()):
        if id_ not in ids:
            for node in dict.fromkeys(map(function_of, nodes)):
                yield f"{node} names the row {id_}, which the plan does not have.{hint(ids, id_)}"
