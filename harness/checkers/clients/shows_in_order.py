"""shows-in-order: a client hands messages on in the order in which the server accepted them.

A message that comes once more is judged by shows-once alone: only its first time counts here.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.clients.lives import unseen
from harness.checkers.clients.sent import comes_before, owners
from harness.checkers.findings import at, conclude, finding
from harness.history import Handed, History, Send
from harness.verdict import Finding, Judgement

PROMISE = "shows-in-order"
ENOUGH = 2
"""One message alone has no order."""


def shows_in_order(history: History) -> Judgement:
    """Judge the promise over one history."""
    mailboxes = _mailboxes(history)
    longest = max(map(len, mailboxes.values()), default=0)
    few = "" if longest >= ENOUGH else f"no client handed on {ENOUGH} messages of one user"
    evidence = {"handed_on": sum(map(len, mailboxes.values()))}
    findings = [
        it for (client, user), some in mailboxes.items() for it in _wrongs(history, client, user, some)
    ]
    return conclude(history, PROMISE, findings, evidence, doubt=unseen(history) or few)


def _mailboxes(history: History) -> dict[tuple[str, str], list[tuple[Handed, Send]]]:
    """Return what each client handed on of each mailbox, each message once."""
    acked = owners(history)
    found: dict[tuple[str, str], dict[str, tuple[Handed, Send]]] = {}
    for handed in history.handed:
        if handed.id in acked:
            send = acked[handed.id]
            found.setdefault((handed.client, send.recipient), {}).setdefault(handed.id, (handed, send))
    return {key: list(some.values()) for key, some in found.items()}


def _wrongs(history: History, client: str, user: str, some: list[tuple[Handed, Send]]) -> Iterator[Finding]:
    latest, latest_send = some[0]
    for handed, send in some[1:]:
        if comes_before(send, latest_send):
            sentence = (
                f"{client} handed on message {handed.id} of {user} at {at(history, handed.at_ns)} after "
                f"message {latest.id}, which was accepted later."
            )
            events = (*send.events, *latest_send.events, latest.event, handed.event)
            yield finding(PROMISE, "out_of_order", sentence, events)
        elif comes_before(latest_send, send):
            latest, latest_send = handed, send
