"""keeps-to-itself: a client hands on what its user was sent, unchanged, and nothing else.

After a switch nothing of the user before is asked for or handed on, even if an answer was on its way. What is
not a message at all, because a server put it between the messages, is not handed on either.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.clients.lives import GRACE_NS, lives, unseen
from harness.checkers.clients.sent import owners
from harness.checkers.findings import at, conclude, finding
from harness.history import Handed, History
from harness.verdict import Finding, Judgement

PROMISE = "keeps-to-itself"


def keeps_to_itself(history: History) -> Judgement:
    """Judge the promise over one history."""
    findings = [*_handed(history), *_asked(history)]
    evidence = {"handed_on": len(history.handed), "users": len({life.user for life in lives(history)})}
    doubt = unseen(history) or ("" if history.handed else "no client handed a message on")
    return conclude(history, PROMISE, findings, evidence, doubt=doubt)


def _handed(history: History) -> Iterator[Finding]:
    acked, sent = owners(history), {send.content for send in history.sends}
    for handed in history.handed:
        who = f"{handed.client}, which ran for {handed.user}, handed on"
        when = f"at {at(history, handed.at_ns)}"
        send = acked.get(handed.id)
        if send is None:
            if _may_be_unacked(history, handed, sent):
                continue
            yield _finding(
                "never_sent", f"{who} {handed.id!r} {when}, which is not the id of a message.", handed
            )
        elif handed.user is not None and send.recipient != handed.user:
            events = send.events
            sentence = f"{who} message {handed.id} of {send.recipient} {when}."
            yield finding(PROMISE, "foreign_message", sentence, (*events, handed.event))


def _may_be_unacked(history: History, handed: Handed, sent: set[str]) -> bool:
    """Whether it can be a message whose ack never came: then its id is unknown."""
    return any(send.id is None for send in history.sends) and (
        handed.content is None or handed.content in sent
    )


def _asked(history: History) -> Iterator[Finding]:
    """Yield the polls for another mailbox than that of the user for whom the client ran."""
    for life in lives(history):
        until_ns = life.end_ns - (GRACE_NS if life.ended_by == "switch" else 0)
        for poll in history.requests:
            is_inside = life.start_ns + GRACE_NS < poll.start_ns < until_ns
            if poll.is_poll and poll.client == life.client and is_inside and poll.user != life.user:
                sentence = (
                    f"{life.client} asked for the mailbox of {poll.user} at {at(history, poll.start_ns)}, "
                    f"when it ran for {life.user}."
                )
                yield finding(
                    PROMISE, "polls_for_other", sentence, (*(it.event for it in life.told), poll.event)
                )


def _finding(kind: str, sentence: str, handed: Handed) -> Finding:
    return finding(PROMISE, kind, sentence, (handed.event,))
