"""The results of a load test: a table on the terminal, and `load.json` in the folder of the results."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

from harness.errors import CannotWrite
from harness.history.recorder import REMEDY
from harness.reports.files import write_atomically
from harness.verdict import Verdict
from loadtests.verdicts import Totals, table

LOAD = "load.json"


def write(totals: Totals, options: Namespace) -> Verdict:
    """Print the table, write the file, and return the verdict. Raise CannotWrite."""
    verdict, reason = totals.verdict()
    measured = totals.measured()
    print(table(measured, totals.floor, verdict, reason))  # noqa: T201  the result of the run
    document = {
        "verdict": verdict.value,
        "reason": reason,
        "seed": options.seed,
        "shape": options.shape,
        "users": options.num_users,
        "send_every_s": options.send_every,
        **measured,
    }
    path = Path(options.reports) / LOAD
    try:
        write_atomically(path, json.dumps(document, indent=1) + "\n")
    except OSError as error:
        raise CannotWrite(path, error, remedy=REMEDY) from error
    return verdict
