"""What `--json` prints of a run: one document, by which a program need not know the folder of the results."""

from __future__ import annotations

import json
from pathlib import Path

from harness.chaos.summary import SUMMARY
from harness.reports.record import read_results, render_results, with_again
from harness.runner.folder import AGAIN, RESULTS


def document_in(folder: Path) -> str:
    """Return the results in a folder, in ASCII; those of rows that were run once more as they ended then.

    Of many seeds, return their summary; '' where the run ended before it had any results.
    """
    if (folder / SUMMARY).exists():
        return json.dumps(json.loads((folder / SUMMARY).read_text(encoding="utf-8")), indent=1) + "\n"
    if not (folder / RESULTS).exists():
        return ""
    run = read_results(folder / RESULTS)
    if (folder / AGAIN / RESULTS).exists():
        run = with_again(run, read_results(folder / AGAIN / RESULTS))
    return render_results(run)
