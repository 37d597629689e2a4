"""`report.html`: one self-contained page, made from a run's record by the templates beside this module."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from harness.reports.delivery_curve import delivery_curve
from harness.reports.fate_plot import FatePlot, Place, fate_plot
from harness.reports.files import write_atomically
from harness.reports.lanes import lanes
from harness.reports.message_stories import EventsOf, MessageStory, message_stories
from harness.reports.pictures import embedded
from harness.reports.plain_words import IN_PLAIN_WORDS
from harness.reports.promise_matrix import promise_matrix
from harness.reports.record import RunRecord, findings_of
from harness.reports.sequence import sequence
from harness.reports.stories import stories, without_story
from harness.reports.templates import PAGES
from harness.reports.words import closing, duration, measured, quantities
from harness.verdict import Verdict

EVENT_LENGTH = 1_000
PAGE_BYTES = 950_000
"""The whole page: it is sent by mail and opened on phones."""
MESSAGES_BYTES = 450_000
"""What the events of single messages may take of it, where there is room."""


def _no_events(_: Place) -> tuple[()]:
    return ()


def render_html(
    run: RunRecord, pictures: Mapping[str, str] | None = None, events_of: EventsOf = _no_events
) -> str:
    """Return the whole page; `pictures` are URLs of screenshots, by file; one that has none is a link.

    A message whose events are known is a link to them, as far as the page has room.
    """
    plots = {row.id: plot for row in run.rows if (plot := fate_plot([row], with_faults=True))}
    fates = fate_plot(run.rows, with_faults=False)
    render = partial(_render, run, pictures or {}, fates, plots)
    page = render({})
    room = min(MESSAGES_BYTES, PAGE_BYTES - len(page.encode(errors="replace")))
    failed_first = sorted(run.rows, key=lambda row: row.verdict is not Verdict.FAIL)
    in_turn = [fates, *(plots[row.id] for row in failed_first if row.id in plots)]
    messages = message_stories(run, filter(None, in_turn), events_of, room)
    return render(messages) if messages else page


def _render(
    run: RunRecord,
    pictures: Mapping[str, str],
    fates: FatePlot | None,
    plots: Mapping[str, FatePlot],
    messages: Mapping[Place, MessageStory],
) -> str:
    return PAGES.get_template("report.html.j2").render(
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
        fates=fates,
        plots=plots,
        messages=messages,
        lanes=lanes(run),
        in_plain_words=IN_PLAIN_WORDS,
        pictures=pictures,
    )


def _told_briefly(evidence: Mapping[str, Any]) -> str:
    """Return the numbers that are not nested and not zero, on one line."""
    single = {
        name: value for name, value in evidence.items() if value and not isinstance(value, Mapping | list)
    }
    return ", ".join(f"{name} {value}" for name, value in quantities(single))


def _firsts(plot: FatePlot, messages: Mapping[Place, MessageStory]) -> Mapping[str, str]:
    """Return the name of the first message of each fate that the plot leads to, by the fate's letter."""
    found = [messages[place] for place in plot.places() if place in messages]
    return {story.fate: story.place.name for story in reversed(found)}


def _line(event: Any) -> str:
    text = json.dumps(event, ensure_ascii=False, separators=(", ", ": "), default=str)
    return text if len(text) <= EVENT_LENGTH else f"{text[:EVENT_LENGTH]}… (whole in history.jsonl)"


def _nested(evidence: Mapping[str, Any]) -> Any:
    """Yield (name, value) with numbers and words as values, and a list of such pairs for what is nested."""
    for name, value in evidence.items():
        if isinstance(value, Mapping) and value:
            yield name.replace("_", " "), [*_nested(value)]
        else:
            yield quantities({name: value})[0]


def write_html(run: RunRecord, path: Path, events_of: EventsOf = _no_events) -> None:
    """Write the page completely or not at all. Raise OSError."""
    write_atomically(path, render_html(run, embedded(run, path.parent), events_of))


PAGES.filters.update(
    duration=duration,
    findings=findings_of,
    measured=measured,
    nested=lambda value: [*_nested(value)],
    firsts=_firsts,
    quantities=quantities,
    sequence=sequence,
    told_briefly=_told_briefly,
    line=_line,
)
