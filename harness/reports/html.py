"""`report.html`: one self-contained page, made from a run's record by the template beside this module."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.reports.files import write_atomically
from harness.reports.lanes import lanes
from harness.reports.pictures import embedded
from harness.reports.record import RunRecord, findings_of
from harness.reports.words import closing, duration, measured, quantities

_PAGES = Environment(
    loader=PackageLoader("harness", "reports"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGES.filters.update(
    duration=duration,
    findings=findings_of,
    measured=measured,
    quantities=quantities,
    line=lambda event: json.dumps(event, ensure_ascii=False, separators=(", ", ": "), default=str),
)


def render_html(run: RunRecord, pictures: Mapping[str, str] | None = None) -> str:
    """Return the whole page; `pictures` are URLs of screenshots, by file; one that has none is a link."""
    return _PAGES.get_template("report.html.j2").render(
        run=run,
        closing=closing(run),
        sections=[
            (section, list(rows))
            for section, rows in itertools.groupby(run.rows, key=lambda row: row.section)
        ],
        lanes=lanes(run),
        pictures=pictures or {},
    )


def write_html(run: RunRecord, path: Path) -> None:
    """Write the page completely or not at all. Raise OSError."""
    write_atomically(path, render_html(run, embedded(run, path.parent)))
