"""The simulation finds what is broken, and nothing in the server: see docs/model.md."""

from __future__ import annotations

import pytest

from tests.mutants.catalog import MUTANTS
from tests.simulation import tables
from tests.simulation.breaking import broken_by, holders
from tests.simulation.catalog import FOUND_IN, NOT_SIMULATED, SIMULATED_MECHANISMS, hunt
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.searching import Bounds, Search
from tests.simulation.trace import lines

SMALL = ("an-unknown-send-is-given-up", "mongodb-rolls-back", "notices-get-lost", "redis-is-flushed")
pytestmark = [
    pytest.mark.usefixtures("simulation"),
    pytest.mark.timeout(600),
]  # thousands of steps, which a busy machine takes its time for

TOLERANCE = 2.0
"""Each call that the server makes more, or less, changes how many executions there are."""


@pytest.mark.parametrize("name", SMALL)
def test_the_server_keeps_its_promises_in_every_execution_without_an_interruption(name: str) -> None:
    search = Search(SCENARIOS[name], Bounds(0, 1))
    found = search.run()
    assert found is None, "\n".join([found.why, *lines(found.trace)])
    assert search.executions > 15


@pytest.mark.parametrize("name", FOUND_IN)
def test_a_mutant_is_found_as_the_page_says(name: str) -> None:
    """If a part that it replaces is not used any more, it breaks nothing."""
    found = hunt(name, FOUND_IN[name])
    assert found is not None
    *_, executions, _, why = tables.documented(tables.MUTANT_HEAD)[name]
    again = "run nox -s model -- --document"
    assert found.found.why.partition(":")[0] == why.partition(":")[0], again
    documented = int(executions.replace(",", ""))
    assert documented / TOLERANCE <= found.executions <= documented * TOLERANCE, again


def test_the_same_choices_give_the_same_execution() -> None:
    one, other = (hunt("push-failure-swallowed", "redis-fails") for _ in range(2))
    assert one == other


def test_a_server_that_is_put_together_again_is_not_broken_any_more() -> None:
    assert hunt("equal-timestamps", "two-workers") is not None
    assert Search(SCENARIOS["two-workers"], Bounds(0, 0)).run(10) is None


@pytest.mark.parametrize("name", FOUND_IN)
def test_nothing_of_a_mutant_is_left(name: str) -> None:
    before = _server()
    with broken_by(name):
        pass
    after = _server()
    assert {holder: after[holder] for holder in before} == before  # it may have imported some more


def _server() -> dict[str, dict[str, object]]:
    """Return what the modules and classes of the server hold, and what their lists and dictionaries hold."""
    return {
        repr(holder): {
            name: str(it) if isinstance(it, list | dict | set) else it for name, it in vars(holder).items()
        }
        for holder in holders()
    }


def test_the_page_has_the_scenarios_and_all_mutants_that_are_found() -> None:
    assert len(tables.documented(tables.SCENARIO_HEAD).keys() & SCENARIOS.keys()) >= 12
    assert tables.documented(tables.SCENARIO_HEAD).keys() <= SCENARIOS.keys()
    assert tables.documented(tables.MUTANT_HEAD).keys() == FOUND_IN.keys()


def test_only_mutants_of_the_core_are_listed_as_found_or_not_simulated() -> None:
    of_the_core = {name for name, mutant in MUTANTS.items() if mutant.mechanism in SIMULATED_MECHANISMS}
    assert FOUND_IN.keys() | NOT_SIMULATED.keys() <= of_the_core
    assert not FOUND_IN.keys() & NOT_SIMULATED.keys()
