"""Reading a file of histories line by line, of which there can be a million."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from harness.history.gc_paused import gc_paused
from harness.history.history import History, HistoryBuilder
from harness.history.operations import Line, LineReader, row_of


def read_histories(path: Path) -> list[History]:
    """Return the history of each row in a file, in order of appearance. Raise as `read_lines` does."""
    builders: defaultdict[str, HistoryBuilder] = defaultdict(HistoryBuilder)
    with gc_paused():
        for line in read_lines(path):
            if not isinstance(line, dict):
                builders[line.row].add(line)
            elif line["kind"] not in ("phase", "over", "environment"):
                builders[row_of(line)].add(line)
        return [builder.history() for builder in builders.values()]


def read_lines(path: Path) -> Iterator[Line]:
    """Yield the lines of a file, one by one.

    A last line that was cut off in the middle is dropped. Raise ValueError, with its number, for any other
    line that is not JSON.
    """
    reader = LineReader()
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield reader.read(line)
            except json.JSONDecodeError as error:
                if not line.endswith(b"\n"):
                    return
                raise ValueError(f"{path}: line {number} is not JSON: {error}") from error
