"""Reports on a run, all made from one record: results.json, report.html and the summary in the terminal."""

from __future__ import annotations

from harness.reports.html import render_html, write_html
from harness.reports.record import (
    PromiseResult,
    RowResult,
    RunRecord,
    read_results,
    write_results,
)
from harness.reports.terminal import show_run
from harness.reports.verdicts import VERDICTS, render_verdicts, write_verdicts

__all__ = [
    "VERDICTS",
    "PromiseResult",
    "RowResult",
    "RunRecord",
    "read_results",
    "render_html",
    "render_verdicts",
    "show_run",
    "write_html",
    "write_results",
    "write_verdicts",
]
