"""`python -m tests.mutants.lane FOLDER`: run rows one after the other, on one set of services.

Starting services and importing the harness takes more processor time than many rows. It reads one request on
each line (see `Request`), and answers each with a line when the run's results are written. It ends at the end
of its input.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from harness.cli import actions, client, listing
from harness.cli.one_stack import SharedServices
from harness.errors import HarnessError
from harness.plan import PLAN_FILE, PlanRow, read_plan, select
from harness.runner.folder import new_run
from harness.stack import Services
from harness.targets.profile import REFERENCE


@dataclass(frozen=True)
class Request:
    """One run: a row, the server's or client's name or profile, a seed, and the folder for its results."""

    row: str
    target: str
    seed: int
    reports: str


def main() -> int:
    """Serve requests until there are no more."""
    signal.signal(signal.SIGTERM, as_interrupt)  # as the harness does: through every `finally`
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    with contextlib.suppress(KeyboardInterrupt), Services(logs=Path(sys.argv[1])) as services:
        for line in sys.stdin:
            request = Request(**json.loads(line))
            with printed_to(Path(request.reports) / "output.txt"):
                exit_code = _run(request, services)
            print(json.dumps({"exit_code": exit_code}), file=answers, flush=True)
    return 0


def _run(request: Request, services: Services) -> int:
    options, rows, what = what_to_run(request)
    try:
        exit_code, _ = actions.run_rows(
            options, rows, what, Path(request.reports), plugins=[SharedServices(services)]
        )
    except HarnessError as error:
        print(f"harness: {error}", flush=True)  # noqa: T201  into the run's output
        return error.exit_code
    return exit_code


def what_to_run(request: Request) -> tuple[Namespace, list[PlanRow], list[str]]:
    """Return the options, the row, and pytest's arguments: for a row of either plan."""
    run = {"seed": request.seed, "run": new_run(), "took_s": {}}
    of_clients = read_plan(client.PAGE)
    if request.row in {row.id for row in of_clients}:
        rows = select(of_clients, [request.row], None)
        # The server is not what is judged: one worker of it starts sooner.
        return Namespace(target=REFERENCE, workers=1, **run), rows, client.words_for(request.target)
    rows = select(read_plan(Path(PLAN_FILE)), [request.row], None)
    return Namespace(target=request.target, workers=None, **run), rows, listing.files_of(rows)


def as_interrupt(signum: int, frame: FrameType | None) -> None:
    """End the process through every `finally`, when it is told to end."""
    raise KeyboardInterrupt


@contextlib.contextmanager
def printed_to(file: Path) -> Iterator[None]:
    """Redirect everything that is printed, also by other processes, to a file."""
    outputs = (sys.stdout, sys.stderr)
    before = [os.dup(output.fileno()) for output in outputs]
    try:
        with file.open("wb") as into:
            for output in outputs:
                os.dup2(into.fileno(), output.fileno())
        yield
    finally:
        for output, kept in zip(outputs, before, strict=True):
            output.flush()
            os.dup2(kept, output.fileno())
            os.close(kept)


if __name__ == "__main__":
    sys.exit(main())
