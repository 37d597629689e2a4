"""What a click on a message of the fate plot opens: its events in words, for as many as the page has room."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.reports.fate_plot import WORDS, FatePlot, Place
from harness.reports.record import RunRecord
from harness.reports.sequence import NAME_LENGTH, SERVER, STORES, in_seconds, senders_of, steps_of
from harness.reports.words import shortened

Event = Mapping[str, Any]
EventsOf = Callable[[Place], Sequence[Event]]
"""Returns the events of a message in the order of time; () where they are not known."""
MOST_STEPS, TEXT_LENGTH = 10, 160
_MARKUP_BYTES, _STEP_BYTES = 520, 90
"""About what the page needs around a story and around each of its steps, with the links to it."""


@dataclass(frozen=True)
class Step:
    """One line: `at` is after the first; `whole` says what went from `source` to `target`."""

    at: str
    source: str
    target: str
    whole: str


@dataclass(frozen=True)
class MessageStory:
    """One message: what became of it, its events, and the command that finds their lines in the history."""

    place: Place
    fate: str
    words: str
    steps: tuple[Step, ...]
    command: str
    before: str = ""
    """The names of its neighbours of the same fate; '' at an end."""
    after: str = ""


def message_stories(
    run: RunRecord, plots: Iterable[FatePlot], events_of: EventsOf, room_bytes: int
) -> Mapping[Place, MessageStory]:
    """Return the stories of the messages that the plots lead to, those of the first plots first.

    They stop where they would need more room. Those of one fate are linked, in the order of the run.
    """
    told: dict[Place, MessageStory] = {}
    rows = {row.id: row for row in run.rows}
    for place in dict.fromkeys(place for plot in plots for place in plot.places()):
        events = events_of(place)
        if not events:
            continue
        fate = rows[place.row].timelines[place.scenario].fates[place.message]
        story = MessageStory(place, fate, WORDS[fate], tuple(_steps(events)), _command(events))
        room_bytes -= _bytes(story)
        if room_bytes < 0:
            break
        told[place] = story
    return {story.place: story for story in _linked(told.values())}


def _steps(events: Sequence[Event]) -> Iterator[Step]:
    senders = senders_of(events)
    steps = sorted((step for event in events for step in steps_of(event, senders)), key=lambda it: it.at_ns)
    for step in steps[:MOST_STEPS]:
        target = "" if step.source == step.target and step.source in (SERVER, STORES) else step.target
        at = in_seconds(step.at_ns - steps[0].at_ns)
        source, target = shortened(step.source, NAME_LENGTH), shortened(target, NAME_LENGTH)
        yield Step(at, source, target, shortened(step.text, TEXT_LENGTH))


def _command(events: Sequence[Event]) -> str:
    """Return what finds the lines of a message: by what its sender or else its server called it."""
    names = [event.get("client_message_id") for event in events if event["kind"] == "send"]
    names += [event.get("id") for event in events if event["kind"] == "sent"]
    name = next((name for name in names if isinstance(name, str) and name.isascii()), "")
    if name:
        return f"grep -F {shlex.quote(name)} history.jsonl"
    row, op = events[0].get("row", ""), events[0].get("op")
    return f"""grep -E '"row":"{row}".*"op":{op},' history.jsonl"""


def _bytes(story: MessageStory) -> int:
    texts = (len(f"{step.source}{step.target}{step.whole}".encode()) + _STEP_BYTES for step in story.steps)
    return _MARKUP_BYTES + len(story.command) + sum(texts)


def _linked(stories: Iterable[MessageStory]) -> Iterator[MessageStory]:
    by_fate: dict[str, list[MessageStory]] = {}
    for story in stories:
        by_fate.setdefault(story.fate, []).append(story)
    for alike in by_fate.values():
        names = [story.place.name for story in alike]
        for story, before, after in zip(alike, ["", *names], [*names[1:], ""], strict=False):
            yield replace(story, before=before, after=after)
