"""Findings made of what a checker saw: times since the begin, few findings of a kind, few events each."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from msgspec.structs import replace

from harness.checkers.traits import TRAITS, traits_of
from harness.history import NS_PER_S, TARGETS, Event, History
from harness.verdict import (
    MAX_EVENTS_PER_FINDING,
    MAX_MESSAGES_PER_EVENT,
    Finding,
    Judgement,
    judge,
)

MAX_FINDINGS_PER_KIND = 20
"""Twenty are enough to describe a server that loses everything; the evidence counts the rest."""


_NAMES = ("id", "client_message_id")


def at(history: History, ns: float) -> str:
    """Return a point in time as text, in seconds since the begin event."""
    return f"{(ns - history.begin_ns) / NS_PER_S:.3f} s"


def finding(
    promise: str, kind: str, sentence: str, events: Iterable[Event], suspected_cause: str = ""
) -> Finding:
    """Return a finding with its first ten events, each once, in the order of time."""
    chosen: list[Event] = []
    for event in events:
        if len(chosen) < MAX_EVENTS_PER_FINDING and event not in chosen:
            chosen.append(event)
    if sentence.startswith(("message ", "the ")):
        sentence = sentence[0].upper() + sentence[1:]  # other sentences begin with a name
    if traits := traits_of(chosen):
        sentence += f" Unusual about it: {', '.join(traits)}."
    in_time = sorted(chosen, key=lambda event: int(event["t"]))
    return Finding(promise, kind, sentence, tuple(in_time), suspected_cause)


def shortened(found: Finding) -> Finding:
    """Return a finding whose pages have five messages, those first that it names."""
    return replace(found, events=tuple(_shortened(found.events, found.sentence)))


def _shortened(events: Sequence[Mapping[str, Any]], sentence: str) -> Iterator[Mapping[str, Any]]:
    """Yield the events, with `messages_left_out` where a page has more than five messages."""
    ids = {event[key] for event in events for key in _NAMES if event.get(key)}
    for event in events:
        page = event.get("messages") or ()
        if len(page) <= MAX_MESSAGES_PER_EVENT:
            yield event
            continue
        named = [place for place, one in enumerate(page) if _is_named(one, ids, sentence)]
        by_weight = dict.fromkeys([*named, 0, len(page) - 1, *range(len(page))])  # the last made the cursor
        places = sorted(islice(by_weight, MAX_MESSAGES_PER_EVENT))
        left_out = len(page) - len(places)
        yield {**event, "messages": [page[place] for place in places], "messages_left_out": left_out}


def _is_named(message: object, ids: Collection[Any], sentence: str) -> bool:
    """Whether this message of a page is one that the finding is about; a client's page has ids alone."""
    own = [message.get(key) for key in _NAMES] if isinstance(message, Mapping) else [message]
    return any(name in ids or _has_word(sentence, str(name)) for name in own if name)


def _has_word(sentence: str, word: str) -> bool:
    is_part = word in sentence  # hardly ever, and much faster than the expression
    return is_part and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", sentence) is not None


def unknown_fault(history: History) -> str:
    """Return a doubt about a fault whose effects, and so what it excuses, are unknown; '' without one."""
    for window in history.faults:
        if not window.effects or window.store.partition(" ")[0] not in TARGETS:
            return f"the effects of the fault '{window.name}' on '{window.store}' are unknown"
    return ""


def conclude(
    history: History,
    promise: str,
    findings: Iterable[Finding],
    evidence: Mapping[str, Any],
    *,
    doubt: str = "",
) -> Judgement:
    """Return the judgement: it counts all findings by kind, and keeps the first ones of each kind.

    Without a finding it is inconclusive if there is a `doubt` or a fault with unknown effects.
    """
    doubt = unknown_fault(history) or doubt
    counts: Counter[str] = Counter()
    traits: defaultdict[str, Counter[str]] = defaultdict(Counter)
    kept = []
    for found in findings:
        counts[found.kind] += 1
        if special := traits_of(found.events):
            traits[found.kind].update(special)
        if counts[found.kind] <= MAX_FINDINGS_PER_KIND:
            kept.append(shortened(found))
    if not kept:
        return judge(promise, (), evidence, doubt=doubt)
    numbers: dict[str, Any] = {"findings": dict(counts)}
    if traits:
        numbers[TRAITS] = {kind: dict(some) for kind, some in traits.items()}
    judgement = judge(promise, kept, {**evidence, **numbers})
    more = counts.total() - 1
    first = kept[0].sentence.removesuffix(".")
    likely = f"likely: {kept[0].suspected_cause}" if kept[0].suspected_cause else ""
    aside = "; ".join(filter(None, [likely, f"and {more} more" if more else ""]))
    return replace(judgement, reason=f"{first} ({aside})." if aside else f"{first}.")
