"""`python -m tests.edge.lane FOLDER`: runs of the harness, one after the other, on one set of services.

Starting services and importing the harness takes more processor time than most rows. A line of the input is
the target's profile, the rows, and the folder for results; its answer is a line with the exit code.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from harness.cli import actions, listing
from harness.cli.one_stack import SharedServices
from harness.errors import HarnessError
from harness.plan import PLAN_FILE, PlanRow, read_plan, select
from harness.plan.fitting import fitting
from harness.runner.folder import new_run
from harness.stack import Services
from harness.targets.profile import load_profile
from tests.mutants.lane import as_interrupt, printed_to

OUTPUT = "output.txt"


def main() -> int:
    """Serve requests until there are no more."""
    signal.signal(signal.SIGTERM, as_interrupt)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    with contextlib.suppress(KeyboardInterrupt), Services(logs=Path(sys.argv[1])) as services:
        for line in sys.stdin:
            target, ids, reports = json.loads(line)
            with printed_to(Path(reports) / OUTPUT):
                exit_code = _run(target, ids, Path(reports), services)
            print(exit_code, file=answers, flush=True)
    return 0


def _run(target: str, ids: Sequence[str], reports: Path, services: Services) -> int:
    """Run the rows that suit the target, as `harness run` does: on a busy machine once more."""
    run = {"workers": None, "seed": secrets.randbelow(2**32), "run": new_run(), "took_s": {}}
    options = Namespace(target=target, reports=reports, **run)

    def play(rows: Sequence[PlanRow], folder: Path, jobs: int) -> tuple[int, list[str]]:
        plugins = [SharedServices(services)]
        return actions.run_rows(options, rows, listing.files_of(rows), folder, plugins=plugins)

    try:
        rows = select(read_plan(Path(PLAN_FILE)), ids)
        wanted, _ = fitting(rows, load_profile(target), is_reference=False)
        return actions.in_two_tries(options, wanted, play, 1)
    except HarnessError as error:
        print(f"harness: {error}", flush=True)  # noqa: T201  into the run's output
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
