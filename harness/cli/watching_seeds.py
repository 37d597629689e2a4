"""How far a run of many seeds is, whichever processes play them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from harness.chaos.seeds_file import SeedResult
from harness.cli import time_left
from harness.cli.chaos_lanes import LANES
from harness.cli.following import NS_PER_S, Following, RunningRow
from harness.cli.frame import Now
from harness.cli.watching import WORDS
from harness.runner.folder import HISTORY


class WatchingSeeds:
    """Watches the folders of seeds below the folder of the results; each seed takes `seconds`, about."""

    def __init__(self, folder: Path, *, kept: str, seconds: float) -> None:
        self._folder = folder
        self._kept = kept
        self._seconds = seconds
        self._at_once = 1
        self._left: set[int] = set()
        self._results: list[SeedResult] = []
        self._following: dict[Path, Following] = {}

    def seeds_ahead(self, seeds: Iterable[int], *, at_once: int) -> None:
        """Note which seeds are played now."""
        self._left, self._at_once = set(seeds), at_once
        self._following.clear()  # a seed that is played again has a new history

    def seed_ended(self, result: SeedResult) -> None:
        """Note how a seed ended."""
        self._left.discard(result.seed)
        self._results.append(result)

    def look(self) -> Now:
        """Return how far it is now."""
        running = list(self._running())
        now_ns = time.monotonic_ns()
        return Now(now_ns, running, self._status(running, now_ns))

    def _running(self) -> Iterator[RunningRow]:
        for seed in sorted(self._left):
            for folder in (self._folder, *self._folder.glob(f"{LANES}/*")):
                file = folder / self._kept / str(seed) / HISTORY
                if file.exists():
                    for row in self._following.setdefault(file, Following(file, {})).look():
                        yield replace(row, id=f"seed {seed}", title="")

    def _status(self, running: list[RunningRow], now_ns: int) -> list[str]:
        counts = Counter(result.verdict for result in self._results)
        ended = len(self._results)
        return [
            f"{ended} of {ended + len(self._left)} seeds",
            *(f"{counts[verdict]} {word}" for verdict, word in WORDS.items() if counts[verdict]),
            time_left.said(self._left_s(running, now_ns)),
        ]

    def _left_s(self, running: list[RunningRow], now_ns: int) -> float:
        took = [result.seconds for result in self._results]
        each_s = sum(took) / len(took) if took else self._seconds
        since_s = sum(min(each_s, (now_ns - row.began_ns) / NS_PER_S) for row in running)
        return (len(self._left) * each_s - since_s) / self._at_once
