"""Judge one file and tell what that took, in a process of its own: `python -m tests.benchmarks.judging FILE`.

CPU seconds, so that others on the machine count for little, and the peak of the memory that was resident.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.checkers import CHECKERS, applying_to, run_checker
from harness.history import read_histories
from harness.history.gc_paused import gc_paused


@dataclass(frozen=True)
class Cost:
    """What it took to parse each line as JSON, and what to judge it by every promise that applies."""

    parse_s: float
    judge_s: float
    peak_mb: float
    verdicts: dict[str, str]

    @property
    def ratio(self) -> float:
        """How many times longer judging takes than parsing, which it includes."""
        return self.judge_s / self.parse_s


def parse_s(path: Path) -> float:
    """CPU seconds to parse each line of the file."""
    began = time.process_time()
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            json.loads(line)
    return time.process_time() - began


def cost(path: Path) -> Cost:
    """Parse the file, then judge it."""
    parsing_s = parse_s(path)
    gc.collect()
    began = time.process_time()
    verdicts: dict[str, str] = {}
    with gc_paused():  # as harness.runner.judging does
        for history in read_histories(path):
            for promise in applying_to(history):
                judgement = run_checker(CHECKERS[promise], history)
                verdicts[promise] = f"{judgement.verdict.value} {judgement.reason}".strip()
    judging_s = time.process_time() - began
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Cost(parsing_s, judging_s, peak_kb / 1024, verdicts)


if __name__ == "__main__":
    print(json.dumps(asdict(cost(Path(sys.argv[1])))))  # noqa: T201 - what this program is for
