"""A finding's events as a sequence diagram: who said what to whom, from top to bottom.

Geometry and words only; the page draws it. Times are seconds after the first of the events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from harness.reports.words import plain, shortened
from harness.verdict import Finding

Event = Mapping[str, Any]
LANE, WIDE_LANE, STEP, TOP = 300, 450, 44, 34
"""Between lifelines, of which two leave more room for words; between arrows; above the first."""
NAME_LENGTH, TEXT_LENGTH, RECIPIENT_LENGTH = 36, 38, 20
NS_PER_S = 1_000_000_000
SERVER, STORES = "server", "stores"


@dataclass(frozen=True)
class Arrow:
    """One line of the diagram; `from_x` equals `to_x` where something is only noted."""

    at: str
    from_x: int
    to_x: int
    y: int
    text: str
    whole: str
    source: str
    target: str


@dataclass(frozen=True)
class Diagram:
    """Lifelines as (x, name), and arrows, in units of the viewBox."""

    lifelines: tuple[tuple[int, str], ...]
    arrows: tuple[Arrow, ...]
    width: int
    height: int


class Step(NamedTuple):
    """Who said what to whom; `source` is `target` where something is only noted."""

    at_ns: int
    source: str
    target: str
    text: str


def sequence(finding: Finding) -> Diagram | None:
    """Return the diagram of a finding; None without events."""
    steps, senders = _in_time(finding), senders_of(finding.events)
    if not steps:
        return None
    names = _in_order(steps, senders.values())
    lane = LANE if len(names) > 2 else WIDE_LANE
    places = {name: lane // 2 + lane * number for number, name in enumerate(names)}
    most = TEXT_LENGTH * lane // LANE
    return Diagram(
        tuple((x, shortened(name, NAME_LENGTH)) for name, x in places.items()),
        tuple(
            Arrow(
                in_seconds(step.at_ns - steps[0].at_ns),
                places[step.source],
                places[step.target],
                TOP + STEP * (number + 1),
                shortened(step.text, most),
                step.text,
                shortened(step.source, NAME_LENGTH),
                shortened(step.target, NAME_LENGTH),
            )
            for number, step in enumerate(steps)
        ),
        lane * len(names),
        TOP + STEP * (len(steps) + 1) - STEP // 2,
    )


def told(finding: Finding) -> list[str]:
    """Return the same in words, one line for each arrow."""
    steps = _in_time(finding)
    return [f"{(step.at_ns - steps[0].at_ns) / NS_PER_S:7.3f} s  {_who(step)}: {step.text}" for step in steps]


def _who(step: Step) -> str:
    return step.source if step.source == step.target else f"{step.source} -> {step.target}"


def _in_time(finding: Finding) -> list[Step]:
    senders = senders_of(finding.events)
    steps = (step for event in finding.events for step in steps_of(event, senders))
    return sorted(steps, key=lambda step: step.at_ns)


def senders_of(events: Iterable[Event]) -> dict[int, str]:
    """Return who sent each operation that these events show."""
    return {event["op"]: str(event.get("sender")) for event in events if event.get("kind") == "send"}


def in_seconds(ns: int) -> str:
    """Return a time after the first event."""
    return f"{ns / NS_PER_S:.3f} s"


def _in_order(steps: Iterable[Step], senders: Iterable[str]) -> list[str]:
    """Return the lifelines from left to right: senders, the server, what it stores in, readers."""
    all_ = dict.fromkeys(name for step in steps for name in (step.source, step.target))
    left = [name for name in dict.fromkeys(senders) if name in all_]
    middle = [name for name in (SERVER, STORES) if name in all_]
    return [*left, *middle, *(name for name in all_ if name not in left and name not in middle)]


def steps_of(event: Event, senders: Mapping[int, str]) -> Iterable[Step]:
    """Yield what one event shows."""
    at_ns, kind = int(event["t"]), event.get("kind")
    if kind == "send":
        recipient = shortened(str(event.get("recipient")), RECIPIENT_LENGTH)
        said = f"send to {recipient}: {event.get('content')!r}"
        yield Step(at_ns, str(event.get("sender")), SERVER, said)
    elif kind == "sent":
        yield Step(
            at_ns, SERVER, senders.get(event.get("op", -1), f"sender of {event.get('op')}"), _answer(event)
        )
    elif kind == "poll":
        reader = str(event.get("consumer") or event.get("reader"))
        asked = f"poll since {event['since']}" if event.get("since") else "poll from the beginning"
        yield Step(int(event.get("start") or at_ns), reader, SERVER, asked)
        yield Step(at_ns, SERVER, reader, _page(event))
    elif kind in ("attempt", "required"):
        yield Step(int(event.get("start") or at_ns), str(event.get("who")), SERVER, str(event.get("what")))
        expected = " or ".join(map(str, event.get("expected", ())))
        answered = event.get("status") or event.get("error") or "no answer"
        yield Step(at_ns, SERVER, str(event.get("who")), f"{answered}; expected {expected}")
    elif kind == "client_request":
        yield from _steps_of_request(event)
    elif kind in ("client_handed", "client_told"):
        who = str(event.get("client") or SERVER)
        shown = f"shows {event.get('content') or event.get('id')!r}" if kind == "client_handed" else ""
        yield Step(at_ns, who, who, shown or str(event.get("did")))
    else:
        place = STORES if kind in ("queue", "keys") else SERVER
        yield Step(at_ns, place, place, _noted(event))


def _steps_of_request(event: Event) -> Iterable[Step]:
    """Yield a request of a client under test, and how it ended."""
    client, at_ns = str(event.get("client")), int(event["t"])
    since = f"since {event['since']}" if event.get("since") else "from the beginning"
    asked = f"poll {since}" if event.get("is_poll") else f"{event.get('method')} {event.get('path')}"
    yield Step(int(event.get("start") or at_ns), client, SERVER, asked)
    said = [str(event.get("status") or "no answer")]
    if event.get("is_poll") and event.get("messages"):
        more = f" and {left_out} more" if (left_out := event.get("messages_left_out")) else ""
        said.append(f"messages {', '.join(map(str, event['messages']))}{more}")
    said += [f"made so: {event['script']}"] if event.get("script") else []
    said += ["closed by the client"] if event.get("aborted") else []
    yield Step(at_ns, SERVER, client, "; ".join(said))


def _answer(event: Event) -> str:
    """Return the answer to a send in a few words."""
    said = [str(event.get("status") or event.get("error") or "no answer")]
    said += [f"{name} {event[name]}" for name in ("seq", "id", "timestamp") if event.get(name) is not None]
    return ", ".join([*said, *([] if event.get("outcome") == "ok" else [str(event.get("outcome"))])])


def _page(event: Event) -> str:
    """Return the answer to a poll in a few words."""
    if event.get("outcome") != "ok":
        return f"{event.get('status') or event.get('error') or 'no answer'}, {event.get('outcome')}"
    messages, left_out = event.get("messages") or [], event.get("messages_left_out", 0)
    numbers = [one["seq"] for one in messages if isinstance(one, Mapping) and one.get("seq") is not None]
    number = len(messages) + left_out
    count = "1 message" if number == 1 else f"{number or 'no'} messages"
    seqs = f", seq {', '.join([*_ranges(numbers), *(['…'] if left_out else [])])}" if numbers else ""
    cursor = f", cursor {event['next_since']}" if event.get("next_since") else ""
    return f"{count}{seqs}{cursor}"


def _ranges(numbers: Iterable[Any]) -> Iterable[str]:
    """Yield numbers as people write them, those that follow each other as one: 1–3, 7, 8."""
    runs: list[list[Any]] = []
    for number in numbers:
        if runs and isinstance(number, int) and number - 1 == runs[-1][-1]:
            runs[-1].append(number)
        else:
            runs.append([number])
    for run in runs:
        yield from [f"{run[0]}–{run[-1]}"] if len(run) > 2 else map(str, run)


def _noted(event: Event) -> str:
    """Return what an event says beside when and where it was recorded."""
    said = {name: value for name, value in event.items() if name not in ("t", "kind", "row", "op", "since")}
    return f"{event.get('kind')}: {plain(said)}"
