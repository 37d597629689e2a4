"""Prints an execution: one line for each call and its answer, with the actor that made it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tests.simulation.hub import Line, NoAnswer

HEALED = "— no more faults —"


def lines(trace: Sequence[Line]) -> Iterator[str]:
    """Yield the lines of a trace; what the relays do after the heal is left out."""
    width = max(len(line.actor) for line in trace) if trace else 0
    is_healed = False
    for line in trace:
        is_healed = is_healed or line.what == HEALED
        if is_healed and line.actor.startswith(("relay", "notifier", "start")):
            continue
        answer = "" if line.answer is NoAnswer else f" → {brief(line.answer)}"
        yield f"{line.actor:<{width}}  {line.what}{answer}"


def brief(answer: Any) -> str:
    """Return what matters of a store's answer."""
    if isinstance(answer, Exception):
        return f"✗ {answer}"
    if isinstance(answer, dict) and "ok" in answer:
        return _reply(answer)
    if isinstance(answer, dict):
        return (
            f"no. {answer['seq']}" if "seq" in answer else " ".join(f"{key}={answer[key]}" for key in answer)
        )
    if isinstance(answer, list):
        return _list(answer)
    if isinstance(answer, bytes):
        return answer.decode(errors="replace")
    return "nothing" if answer is None else str(answer)


def _list(answer: list[Any]) -> str:
    if answer[:1] == [b"page"]:
        _, _, pushes, seq, first, entries = answer
        return f"page of no. {first} to {seq}, {entries.count(b'[') - 1} after the cursor, {pushes} pushes"
    return ", ".join(brief(one) for one in answer) or "nothing"


def _reply(answer: dict[str, Any]) -> str:
    """Return what MongoDB replies to a list of updates."""
    if not (failures := answer.get("writeErrors")):
        return "done"
    key = ", ".join(failures[0]["keyPattern"])
    why = f"duplicate ({key})" if key else "that message is not there"
    return f"update {failures[0]['index'] + 1} fails: {why}"
