"""`report.html`: one self-contained page, made from a run's record by the templates beside this module."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.reports.delivery_curve import delivery_curve
from harness.reports.fate_plot import fate_plot
from harness.reports.files import write_atomically
from harness.reports.lanes import lanes
from harness.reports.pictures import embedded
from harness.reports.plain_words import IN_PLAIN_WORDS
from harness.reports.promise_matrix import promise_matrix
from harness.reports.record import RowResult, RunRecord, findings_of
from harness.reports.sequence import sequence
from harness.reports.stories import stories, without_story
from harness.reports.words import closing, duration, measured, quantities

EVENT_LENGTH = 1_000
_PAGES = Environment(
    loader=PackageLoader("harness", "reports"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render_html(run: RunRecord, pictures: Mapping[str, str] | None = None) -> str:
    """Return the whole page; `pictures` are URLs of screenshots, by file; one that has none is a link."""
    return _PAGES.get_template("report.html.j2").render(
        run=run,
        closing=closing(run),
        stories=stories(run),
        unexplained=without_story(run),
        sections=[
            (section, list(rows))
            for section, rows in itertools.groupby(run.rows, key=lambda row: row.section)
        ],
        matrix=promise_matrix(run),
        curve=delivery_curve(run),
        fates=fate_plot([one for row in run.rows for one in row.timelines], with_faults=False),
        fates_of=_fates_of,
        lanes=lanes(run),
        in_plain_words=IN_PLAIN_WORDS,
        pictures=pictures or {},
    )


def _fates_of(row: RowResult) -> Any:
    return fate_plot(row.timelines, with_faults=True)


def _told_briefly(evidence: Mapping[str, Any]) -> str:
    """Return the numbers that are not nested and not zero, on one line."""
    single = {
        name: value for name, value in evidence.items() if value and not isinstance(value, Mapping | list)
    }
    return ", ".join(f"{name} {value}" for name, value in quantities(single))


def _short(text: str) -> str:
    return text if len(text) <= EVENT_LENGTH else f"{text[:EVENT_LENGTH]}… (whole in history.jsonl)"


def _nested(evidence: Mapping[str, Any]) -> Any:
    """Yield (name, value) with numbers and words as values, and a list of such pairs for what is nested."""
    for name, value in evidence.items():
        if isinstance(value, Mapping) and value:
            yield name.replace("_", " "), [*_nested(value)]
        else:
            yield quantities({name: value})[0]


def write_html(run: RunRecord, path: Path) -> None:
    """Write the page completely or not at all. Raise OSError."""
    write_atomically(path, render_html(run, embedded(run, path.parent)))


_PAGES.filters.update(
    duration=duration,
    findings=findings_of,
    measured=measured,
    nested=lambda value: [*_nested(value)],
    quantities=quantities,
    sequence=sequence,
    told_briefly=_told_briefly,
    line=lambda event: _short(json.dumps(event, ensure_ascii=False, separators=(", ", ": "), default=str)),
)
