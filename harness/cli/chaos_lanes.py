"""Seeds of chaos side by side: each lane is a process that plays a part of them on services of its own."""

from __future__ import annotations

import shutil
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from harness.chaos.seeds_file import SEEDS, Asked, SeedResult, read_seeds
from harness.errors import CannotWrite, InfrastructureError, UsageError
from harness.history.recorder import REMEDY
from harness.stack.processes import Process

LANES = "lanes"
"""Below the folder of the results: what the lanes print, and the logs of their services."""
LOOKS_EVERY_S = 0.5
END_S = 30.0
_PLAY = (sys.executable, "-m", "harness", "chaos", "--lane")


def played_side_by_side(
    seeds: Sequence[int], words: Sequence[str], asked: Asked, options: Namespace, *, kept: str
) -> Iterator[SeedResult]:
    """Yield the result of each seed as its run ends, in `options.jobs` lanes; `words` are their options.

    What a lane keeps of a seed is moved to the folder of the results. Raise InfrastructureError if a lane
    ends before its last seed.
    """
    lanes = [
        _Lane(seeds[at :: options.jobs], words, asked, options.reports / LANES / str(at + 1))
        for at in range(min(options.jobs, len(seeds)))
    ]
    try:
        for lane in lanes:
            lane.process.launch()
        while any(lane.left for lane in lanes):
            for lane in lanes:
                is_running = lane.process.running  # before the look: what it has written last is seen
                for result in lane.new_results():
                    _move(lane.folder / kept / str(result.seed), options.reports / kept / str(result.seed))
                    yield result
                if lane.left and not is_running:
                    raise InfrastructureError(
                        f"A lane ended before seed {min(lane.left)}: see {lane.process.log}."
                    )
            time.sleep(LOOKS_EVERY_S)
    finally:
        for lane in lanes:
            lane.process.ask_to_end()
        for lane in lanes:
            lane.process.stop(deadline_s=END_S)


class _Lane:
    """A process, and the seeds that are left to it."""

    def __init__(self, seeds: Sequence[int], words: Sequence[str], asked: Asked, folder: Path) -> None:
        self.left = set(seeds)
        self.folder = folder
        self._asked = asked
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotWrite(folder, error, remedy=REMEDY) from error
        named = f"--seed={','.join(map(str, seeds))}"
        self.process = Process(
            "a lane", [*_PLAY, named, *words, "--reports", str(folder)], log=folder.with_suffix(".log")
        )

    def new_results(self) -> list[SeedResult]:
        """Return the results that were written since the last look."""
        found: list[SeedResult] = []
        with suppress(UsageError):  # it has not begun yet
            known = read_seeds(self.folder / SEEDS, self._asked)
            found = [result for seed, result in known.items() if seed in self.left]
        self.left -= {result.seed for result in found}
        return found


def _move(folder: Path, to: Path) -> None:
    """Move what a lane has kept of a seed, if anything, in the place of what an earlier run has kept."""
    shutil.rmtree(to, ignore_errors=True)
    if folder.exists():
        to.parent.mkdir(exist_ok=True)
        folder.rename(to)
