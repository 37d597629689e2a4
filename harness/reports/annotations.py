"""`python -m harness.reports.annotations FOLDER`: a run's findings as annotations of a GitHub job.

They name no file: a finding is about what a server did, and no one knows which line of it is wrong. GitHub
shows ten of each level for a step, so each kind of finding comes once, from the first row that shows it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from harness.errors import UsageError
from harness.printable import printable
from harness.reports.record import RunRecord, results_of
from harness.reports.stories import stories, without_story
from harness.reports.words import shortened
from harness.verdict import Verdict

MOST = 10
TEXT_LENGTH = 600


def annotations_of(run: RunRecord) -> Iterator[str]:
    """Yield the commands that a step prints: errors for what failed, warnings for what was not decided."""
    failed = [(f"{it.judgement.promise} in {it.row.id}", it.judgement.reason) for it in stories(run)]
    failed += [(f"{row.id} {row.title}", row.reason) for row in without_story(run)]
    undecided = [
        (f"{row.id} {row.title}", row.reason) for row in run.rows if row.verdict is Verdict.INCONCLUSIVE
    ]
    for level, some in (("error", failed), ("warning", undecided)):
        for title, text in some[:MOST]:
            yield f"::{level} title={_property(title)}::{_text(text)}"


def _text(text: str) -> str:
    """Return a text as a command of a step has it: printable, of one line."""
    return shortened(printable(text), TEXT_LENGTH).replace("%", "%25")


def _property(text: str) -> str:
    return _text(text).replace(":", "%3A").replace(",", "%2C")


def main(folder: Path) -> int:
    """Print the annotations of the results in a folder; nothing where there are none."""
    try:
        run = results_of(folder)
    except UsageError:
        return 0  # the run has said why it left no results
    for line in annotations_of(run):
        print(line)  # noqa: T201  what a step prints is its interface
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
