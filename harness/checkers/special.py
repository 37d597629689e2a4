"""What was special about the operations of findings, and whether they all have something in common.

A scenario notes what is unusual about a send or a poll (`special` in the history). What all findings of a
kind share, and most operations lack, is a hint for whoever looks for the cause; it convicts nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from harness.history import History
from harness.history.memoize import memoize
from harness.verdict import Judgement

TRAITS = "special_about_findings"
"""In a judgement's evidence: for each kind of finding, how many of its findings have each trait."""
RARE = 0.5
"""What more of the operations have tells nothing."""


def traits_of(events: Iterable[Mapping[str, Any]]) -> list[str]:
    """What was special about the operations of these events, each trait once."""
    return list(dict.fromkeys(trait for event in events for trait in event.get("special", ())))


def with_common_traits(judgement: Judgement, history: History) -> Judgement:
    """The judgement, which also says of each kind of finding what all of them have in common, if anything."""
    told = " ".join(_common(judgement, history))
    if not told:
        return judgement
    evidence = {**judgement.evidence, "in_common": told}
    return replace(judgement, reason=f"{judgement.reason} {told}", evidence=evidence)


def _common(judgement: Judgement, history: History) -> Iterator[str]:
    counts = judgement.evidence.get("findings", {})
    for kind, traits in judgement.evidence.get(TRAITS, {}).items():
        shared = [trait for trait, count in traits.items() if count == counts[kind] and count > 1]
        told = [phrase for trait in shared if (phrase := _if_rare(trait, history))]
        if told:
            yield f"All {counts[kind]} findings of {kind} have in common: {', '.join(told)}."


def _if_rare(trait: str, history: History) -> str:
    """The trait, with how many operations have it; '' if most of them do."""
    for what, (count, total) in _frequencies(history).get(trait, {}).items():
        if count <= total * RARE:
            return f"{trait} ({count} of {total} {what})"
    return ""


@memoize
def _frequencies(history: History) -> Mapping[str, Mapping[str, tuple[int, int]]]:
    """How many sends and polls have each trait, and of how many."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for what, operations in (("sends", history.sends), ("polls", history.polls)):
        counts = Counter(trait for operation in operations for trait in operation.special)
        for trait, count in counts.items():
            found.setdefault(trait, {})[what] = count, len(operations)
    return found
