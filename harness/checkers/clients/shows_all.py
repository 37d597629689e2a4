"""shows-all: a client hands on every message that was accepted for its user.

A message that it passed over is lost at once: it handed on a later one, and not this one until the row ended.
Another one is lost if it had all the time that its longest back-off, its interval, its time-out and its
catching up take together, counted from when it was accepted, from the client's start and from the last
misbehaviour. What another tab of the same browser showed before this one opened does not count as missing,
nor does what the server never gave because it had dropped it, and said so (`gap`).
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.clients.lives import GRACE_NS, Life, by_user, lives, settles_within_ns, unseen
from harness.checkers.clients.sent import comes_before, owners, sent_to
from harness.checkers.findings import at, conclude, finding
from harness.checkers.pressure import Pressure
from harness.history import NS_PER_S, History, Send
from harness.history.memoize import memoize
from harness.verdict import Finding, Judgement

PROMISE = "shows-all"


def shows_all(history: History) -> Judgement:
    """Judge the promise over one history."""
    pressure = Pressure(history)
    findings: list[Finding] = []
    excused = undecided = 0
    for life, send in _missing(history):
        if hole := _passed_over(history, life, send):
            findings.append(hole)
        elif life.runs_at_the_end:
            due_ns = _due_since_ns(history, life, send)
            if life.end_ns - due_ns < settles_within_ns(history):
                undecided += 1
            elif pressure.excuses_most_of(due_ns, life.end_ns):
                excused += 1
            else:
                findings.append(_never_shown(history, life, send))
    counts = {user: len(some) for user, some in sent_to(history).items() if user in by_user(history)}
    evidence = {"sent": counts, "handed_on": len(history.handed), "undecided": undecided}
    doubt = unseen(history) or ("" if any(counts.values()) else "nothing was sent to a client's user")
    doubt = doubt or pressure.doubt(excused, "messages")
    if not doubt and undecided:
        doubt = f"{undecided} messages were sent too shortly before the end"
    return conclude(history, PROMISE, findings, evidence, doubt=doubt)


def _missing(history: History) -> Iterator[tuple[Life, Send]]:
    """Yield the messages that each client was to show and did not."""
    for life in lives(history):
        mine = {it.id for it in history.handed if it.client == life.client}
        others = {it.id for it in history.handed if it.user == life.user}
        for send in sent_to(history).get(life.user, ()):
            was_there = (send.end_ns or 0) < life.start_ns + GRACE_NS
            if send.id not in mine and not (was_there and send.id in others) and not _dropped(history, send):
                yield life, send


def _passed_over(history: History, life: Life, send: Send) -> Finding | None:
    """Return the finding for a message after which a later one was handed on."""
    acked = owners(history)
    latest_ns = life.end_ns - NS_PER_S
    for later in life.handed:
        if later.at_ns > latest_ns or later.user != life.user or later.id not in acked:
            continue
        if comes_before(send, acked[later.id]) and acked[later.id].recipient == life.user:
            sentence = (
                f"{life.client} handed on message {later.id} of {life.user} at {at(history, later.at_ns)}, "
                f"but never the earlier message {send.id}, which was accepted at "
                f"{at(history, send.end_ns or 0)}."
            )
            answers = (it.event for it in life.polls if send.id in it.messages or later.id in it.messages)
            return finding(PROMISE, "hole", sentence, (*send.events, *answers, later.event))
    return None


def _never_shown(history: History, life: Life, send: Send) -> Finding:
    sentence = (
        f"message {send.id} of {life.user} was accepted at {at(history, send.end_ns or 0)}, and "
        f"{life.client} had not handed it on when the row ended at {at(history, life.end_ns)}."
    )
    given = [it.event for it in life.polls if send.id in it.messages]
    return finding(
        PROMISE, "never_shown", sentence, (*send.events, *(given or (p.event for p in life.polls[-4:])))
    )


def _due_since_ns(history: History, life: Life, send: Send) -> int:
    """Return from when on nothing kept the client from showing this message."""
    healed = [it.at_ns for it in history.told if it.did in ("heal", "online", "resume", "reload")]
    scripted = [it.end_ns for it in life.polls if it.script]
    before_end = (moment for moment in (*healed, *scripted) if moment <= life.end_ns)
    return max((send.end_ns or 0, life.start_ns, *before_end))


@memoize
def _given(history: History) -> frozenset[str]:
    return frozenset(id_ for poll in history.requests for id_ in poll.messages)


def _dropped(history: History, send: Send) -> bool:
    """Whether the server said, after this message was sent, that it dropped some, and never gave this one."""
    said = (it for it in history.requests if it.gap and it.is_good and it.user == send.recipient)
    return send.id not in _given(history) and any((send.end_ns or 0) < it.start_ns for it in said)
