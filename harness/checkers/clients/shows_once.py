"""shows-once: a client hands each message on once.

A message that it handed on shortly before its page was loaded again may come once more: it is handed on
before the cursor is stored, as a message that comes twice is better than none. In a second tab, or after a
reload, messages handed on before do not come again, if the client's profile says that it keeps its cursor
(`has.reload`).
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.clients.lives import GRACE_NS, by_user, unseen
from harness.checkers.findings import at, conclude, finding
from harness.history import NS_PER_S, Handed, History
from harness.verdict import Finding, Judgement

PROMISE = "shows-once"
UNSTORED_NS = NS_PER_S
"""What was handed on this shortly before a reload may not have been stored."""


def shows_once(history: History) -> Judgement:
    """Judge the promise over one history."""
    doubt = unseen(history) or ("" if history.handed else "no client handed a message on")
    evidence = {
        "handed_on": len(history.handed),
        "distinct": len({(it.client, it.id) for it in history.handed}),
    }
    return conclude(
        history, PROMISE, [*_in_a_client(history), *_in_a_later_tab(history)], evidence, doubt=doubt
    )


def _in_a_client(history: History) -> Iterator[Finding]:
    first: dict[tuple[str, str], Handed] = {}
    for handed in history.handed:
        before = first.setdefault((handed.client, handed.id), handed)
        if before is handed:
            continue
        reloads = _reloads(history, before, handed)
        if not reloads:
            yield _finding(history, "shown_twice", before, handed, "")
        elif _keeps_its_cursor(history) and all(before.at_ns < it - UNSTORED_NS for it in reloads):
            yield _finding(history, "shown_again", before, handed, " after a reload")


def _in_a_later_tab(history: History) -> Iterator[Finding]:
    """Yield what a tab showed that another one had shown before it opened."""
    if not _keeps_its_cursor(history):
        return
    for lives in by_user(history).values():
        for life in lives:
            earlier = {
                it.id: it for it in history.handed if it.client != life.client and it.user == life.user
            }
            for handed in life.handed:
                before = earlier.get(handed.id)
                if before and before.at_ns < life.start_ns - UNSTORED_NS - GRACE_NS:
                    yield _finding(history, "shown_again", before, handed, " in another tab")


def _reloads(history: History, before: Handed, after: Handed) -> list[int]:
    """Return when the page was loaded again between the two."""
    mine = (it for it in history.told if it.client == after.client and it.did == "reload")
    return [it.at_ns for it in mine if before.at_ns <= it.at_ns <= after.at_ns]


def _keeps_its_cursor(history: History) -> bool:
    return history.client is not None and bool(history.client.has.get("reload"))


def _finding(history: History, kind: str, before: Handed, after: Handed, where: str) -> Finding:
    sentence = (
        f"{after.client} handed on message {after.id} of {after.user} at {at(history, after.at_ns)}{where}, "
        f"which {before.client} had handed on at {at(history, before.at_ns)}."
    )
    answers = (it.event for it in history.requests if after.id in it.messages)
    return finding(PROMISE, kind, sentence, (before.event, after.event, *answers))
