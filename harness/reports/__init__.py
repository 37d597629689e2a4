"""Reports on a run, all made from one record: results.json, report.html and the table in the terminal."""

from __future__ import annotations

from harness.reports.run import PromiseResult, RowResult, Run, read_results, write_results

__all__ = ["PromiseResult", "RowResult", "Run", "read_results", "write_results"]
