"""`seeds.jsonl`: how the run of each seed ended, one line each, so that an interrupted command can go on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from msgspec import to_builtins

from harness.chaos.figures import Figures
from harness.errors import CannotWrite, UsageError, reason_of
from harness.history.recorder import REMEDY
from harness.secrecy import without_secrets
from harness.typed import Record, typed
from harness.verdict import Verdict

SEEDS = "seeds.jsonl"


class Asked(Record, frozen=True):
    """The first line: what decides, beside the seed, what a run does."""

    minutes: float
    target: str
    only: tuple[str, ...] = ()
    workers: int | None = None
    cluster: tuple[str, ...] = ()
    format: Literal[1] = 1


class SeedResult(Record, frozen=True):
    """How the run of one seed ended."""

    seed: int
    verdict: Verdict
    seconds: float
    reason: str = ""
    broke: tuple[str, ...] = ()
    """The ways in which it failed."""
    too_busy: bool = False
    figures: Figures | None = None
    """None if the run recorded nothing."""

    @property
    def is_decided(self) -> bool:
        """Whether it passed or failed: then it is not run again."""
        return self.verdict in (Verdict.PASS, Verdict.FAIL)


def begin_seeds(path: Path, asked: Asked, results: Iterable[SeedResult] = ()) -> None:
    """Begin a file, with these results. Raise CannotWrite."""
    try:
        path.write_text("".join(map(_line, (asked, *results))), encoding="utf-8")
    except OSError as error:
        raise CannotWrite(path, error, remedy=REMEDY) from error


def add_seed(path: Path, result: SeedResult) -> None:
    """Write one more result, as soon as the run has ended. Raise CannotWrite."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(_line(result))
    except OSError as error:
        raise CannotWrite(path, error, remedy=REMEDY) from error


def read_seeds(path: Path, asked: Asked) -> dict[int, SeedResult]:
    """Return the last result of each seed; a last line that was cut off is left out.

    Raise UsageError where the file cannot be read, or has the results of something else.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        first, *others = [json.loads(line) for line in lines if line.endswith("\n")]
        before = typed(first, Asked)
        results = [typed(one, SeedResult) for one in others]
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"--resume cannot read {path}: {reason_of(error)}.") from error
    for name in ("minutes", "target", "only", "workers", "cluster"):
        if (was := getattr(before, name)) != (now := getattr(asked, name)):
            raise UsageError(
                f"--resume: {path} was made with another --{name}, {_said(was)}, not {_said(now)}."
            )
    return {result.seed: result for result in results}


def _said(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(repr, value)) or "none"
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else repr(value)


def _line(record: Record) -> str:
    return without_secrets(json.dumps(to_builtins(record))) + "\n"
