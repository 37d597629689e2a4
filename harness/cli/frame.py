"""What a live view shows at one moment, in the width and height of the terminal, in ASCII."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.text import Text

from harness.cli.following import NS_PER_S, RunningRow

GAP = "  "
NARROWEST = 20


@dataclass(frozen=True)
class Now:
    """One moment of a run."""

    at_ns: int
    """Monotonic."""
    running: Sequence[RunningRow]
    status: Sequence[str]
    """How far the run is, the most important part first."""


def frame(now: Now, width: int, height: int) -> Text:
    """Return a line for each running row and one for the run; never more than the terminal can show."""
    most = max(0, height - 2)
    rows = sorted(now.running, key=lambda row: row.began_ns)
    shown = rows if len(rows) <= most else rows[: max(0, most - 1)]
    lines = [_row(row, now.at_ns, width) for row in shown]
    if most and (hidden := len(rows) - len(shown)):
        lines.append(Text(_fitting([f"and {hidden} more rows"], width)))
    return Text("\n", no_wrap=True, overflow="crop").join(
        [*lines, Text(_fitting(now.status, width), style="bold")]
    )


def plain(now: Now) -> str:
    """Return the same on one line, for where nothing can be drawn anew."""
    rows = sorted(now.running, key=lambda row: row.began_ns)
    running = (
        ", ".join([f"{row.id} {_clock(now.at_ns - row.began_ns)}", *_said(row, now.at_ns)]) for row in rows
    )
    return "; ".join([", ".join(now.status), *running])


def _row(row: RunningRow, at_ns: int, width: int) -> Text:
    first = f"{row.id:<9} {_clock(at_ns - row.began_ns):>6}"
    faults = GAP.join(_faults(row, at_ns))
    line = Text(_fitting([first, *([faults] if faults else []), *_traffic(row), row.title], width))
    if faults and (start := line.plain.find(faults)) >= 0:
        line.stylize("bold yellow", start, start + len(faults))
    return line


def _said(row: RunningRow, at_ns: int) -> list[str]:
    return [*_faults(row, at_ns), *_traffic(row)]


def _faults(row: RunningRow, at_ns: int) -> list[str]:
    """Return each fault in force and for how long."""
    return [f"{name} {_clock(at_ns - since_ns)}" for name, since_ns in row.faults.items()]


def _traffic(row: RunningRow) -> list[str]:
    if not row.sent:
        return []
    slowest = [f"slowest {row.slowest_s:.1f} s"] if row.delivered else []
    return [f"sent {row.sent}", f"delivered {row.delivered}", *slowest]


def _fitting(parts: Iterable[str], width: int) -> str:
    """Return as many of the parts as fit into a line, the first one cut if it must be; ASCII alone.

    The last column stays free: some terminals begin a new line after it.
    """
    room = max(width, NARROWEST) - 1
    first, *more = (part.encode("ascii", "replace").decode() for part in parts)
    line = first[:room]
    for part in filter(None, more):
        if len(line) + len(GAP) + len(part) > room:
            break
        line += GAP + part
    return line


def _clock(ns: int) -> str:
    """Return '12 s' or '3:05'."""
    seconds = max(0, ns // NS_PER_S)
    return f"{seconds} s" if seconds < 100 else f"{seconds // 60}:{seconds % 60:02}"
