"""What was unusual about the operations in findings, and what all findings of a kind have in common.

A scenario notes what is unusual about a send or a poll (`special` in the history). A trait that all findings
of a kind share, and that most operations lack, is a hint for finding the cause; it does not change a verdict.
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
"""A trait that more of the operations have is not a hint."""


def traits_of(events: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what was unusual about the operations of these events, each trait once."""
    return list(dict.fromkeys(trait for event in events for trait in event.get("special", ())))


def with_common_traits(judgement: Judgement, history: History) -> Judgement:
    """Return the judgement, extended by what all findings of a kind have in common, if anything."""
    common = " ".join(_common(judgement, history))
    if not common:
        return judgement
    evidence = {**judgement.evidence, "in_common": common}
    return replace(judgement, reason=f"{judgement.reason} {common}", evidence=evidence)


def _common(judgement: Judgement, history: History) -> Iterator[str]:
    counts = judgement.evidence.get("findings", {})
    for kind, traits in judgement.evidence.get(TRAITS, {}).items():
        shared = [trait for trait, count in traits.items() if count == counts[kind] and count > 1]
        phrases = [phrase for trait in shared if (phrase := _if_rare(trait, history))]
        if phrases:
            yield f"All {counts[kind]} findings of {kind} have in common: {', '.join(phrases)}."


def _if_rare(trait: str, history: History) -> str:
    """Return the trait, with how many operations have it; '' if most of them do."""
    for what, (count, total) in _frequencies(history).get(trait, {}).items():
        if count <= total * RARE:
            return f"{trait} ({count} of {total} {what})"
    return ""


@memoize
def _frequencies(history: History) -> Mapping[str, Mapping[str, tuple[int, int]]]:
    """Return, for each trait, how many of the sends and of the polls have it, and how many there are."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for what, operations in (("sends", history.sends), ("polls", history.polls)):
        counts = Counter(trait for operation in operations for trait in operation.special)
        for trait, count in counts.items():
            found.setdefault(trait, {})[what] = count, len(operations)
    return found
