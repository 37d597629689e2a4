"""`python -m harness client`: run a polling client against a server that misbehaves, and judge the client."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from harness import polling_clients
from harness.cli.actions import (
    asked_for,
    find_services,
    in_two_tries,
    results_folder,
    run_rows,
    side_by_side,
    with_seed,
)
from harness.cli.console import say
from harness.errors import UsageError
from harness.extras import BROWSER, require
from harness.plan import PlanRow, read_plan, select
from harness.polling_clients import scenarios
from harness.polling_clients.fitting import fitting
from harness.polling_clients.profile import load_client
from harness.targets.profile import REFERENCE, load_profile

PAGE = Path(polling_clients.__file__ or "").with_name("plan.md")
SCENARIOS = Path(scenarios.__file__ or "").parent
LONGEST_ROW_S = 600.0


def client(options: Namespace) -> int:
    """Run the rows that suit the client; return the exit code."""
    loaded = load_client(options.target)
    rows, left_out = fitting(select(read_plan(PAGE), options.only), loaded.profile)
    for reason, those in left_out.items():
        say(f"Left out: {', '.join(row.id for row in those)}: {reason}.")
    if not rows:
        raise UsageError(f"None of the rows asked for suits the client {loaded.profile.name!r}.")
    if loaded.profile.page is not None:
        require(BROWSER, f"The client '{loaded.profile.name}' is a page: opening it")
    find_services(load_profile(REFERENCE))
    with_seed(options)
    count = f"{len(rows)} row{'s' * (len(rows) != 1)}"
    say(f"Client plan: {count} with the client '{loaded.profile.name}', seed {options.seed}")
    say()
    server = Namespace(**vars(options) | {"target": REFERENCE, "workers": None})

    def play(some: Sequence[PlanRow], reports: Path, jobs: int) -> tuple[int, list[str]]:
        asked = Namespace(**vars(options) | {"workers": None, "section": None})
        words = [*words_for(options.target), "--harness-asked", asked_for(asked, "client")]
        if jobs > 1 and len(some) > 1:
            words += side_by_side(min(jobs, len(some)))
        return run_rows(server, some, words, reports, timeout_s=LONGEST_ROW_S, at_once=jobs)

    with results_folder(server):
        return in_two_tries(server, rows, play, options.jobs)


def words_for(target: str) -> list[str]:
    """Return pytest's arguments that run rows with a client: the name or the path of its profile."""
    return [
        *(str(file) for file in sorted(SCENARIOS.glob("*.py"))),
        *("-p", "harness.polling_clients.fixtures", "--harness-plan", str(PAGE)),
        *("--harness-client", target),
    ]
