"""How a finding can be repeated by hand: as a script of curl lines, or why not.

The script makes the sends to one mailbox and the polls of its consumers again, one after the other, as far
as the finding shows them. It says itself whether the server shows the finding.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.adapters.curl import CurlScript, NoScript, Polling, Sending, Shown
from harness.history import History, Outcome, Poll, Send
from harness.printable import printable
from harness.reports.record import Repeat, RowResult
from harness.targets.profile import Profile
from harness.verdict import Finding, Verdict

SHOWN: Mapping[str, Mapping[str, Shown]] = {
    "no-loss": {
        "stored_but_skipped": "missing",
        "hole": "missing",
        "queued_but_never_served": "missing",
        "never_served": "missing",
        "not_stored": "missing",
        "stuck": "missing",
    },
    "cursor": {"passed": "missing"},
    "on-time": {"never_delivered": "missing"},
    "no-duplicate": {"delivered_twice": "doubled"},
    "order": {
        "out_of_order": "unordered",
        "seq_not_rising": "numbers",
        "timestamp_not_rising": "timestamps",
    },
}
"""By promise: the kinds of findings that single sends and polls can show, and what shows them."""
TIMED = frozenset({"on-time", "recovers", "available", "no-leak", "stops-cleanly"})
MOST_STEPS = 150
_LIMIT = re.compile(r"limit=(\d+)")
"""How the history tells the limit of a poll."""


def repeats(row: RowResult, histories: Sequence[History], profile: Profile) -> dict[str, Repeat]:
    """Return how the first finding of each broken promise of a row can be repeated, by the promise."""
    told: dict[str, Repeat] = {}
    for judgement in row.judgements:
        if judgement.verdict is Verdict.FAIL and judgement.findings:
            told.setdefault(judgement.promise, _repeat(row.id, judgement.findings[0], histories, profile))
    return told


def _repeat(row: str, finding: Finding, histories: Sequence[History], profile: Profile) -> Repeat:
    try:
        return Repeat(script=_script(row, finding, histories, profile))
    except NoScript as why:
        return Repeat(why_not=str(why))


def _script(row: str, finding: Finding, histories: Sequence[History], profile: Profile) -> str:
    shown = _what_shows(finding)
    if profile.adapter:
        raise NoScript("the profile speaks through a class of its own, which curl cannot use")
    history, sends, polls = _operations(finding, histories)
    own: list[Operation] = [*sends, *polls]
    _require_no_fault(history, own)
    _require_one_after_the_other(own)
    chosen = _chosen(history, sends, polls)
    script = CurlScript(
        profile.wire,
        newest_first=profile.semantics.page_order == "newest_first",
        title=_title(row, finding, chosen),
        shown=shown,
    )
    subjects = _subjects(finding, shown, sends, chosen)
    return script.text([*_steps(chosen, subjects)])


def _what_shows(finding: Finding) -> Shown:
    shown = SHOWN.get(finding.promise, {}).get(finding.kind)
    if shown is not None:
        return shown
    if finding.promise in TIMED:
        raise NoScript("it is about time, which single requests do not show")
    raise NoScript("it is not shown by sends and polls one after the other")


Operation = Send | Poll


def _operations(
    finding: Finding, histories: Sequence[History]
) -> tuple[History, tuple[Send, ...], tuple[Poll, ...]]:
    """Return the history in which the finding was made, and its sends and polls there. Raise NoScript."""
    began = {(event["op"], event.get("start", event["t"])) for event in finding.events if _is_asked(event)}
    for history in histories:
        sends = tuple(send for send in history.sends if (send.op, send.start_ns) in began)
        polls = tuple(poll for poll in history.polls if (poll.op, poll.start_ns) in began)
        if sends or polls:
            return history, sends, polls
    raise NoScript("the history has no sends and polls of it")


def _is_asked(event: Mapping[str, object]) -> bool:
    return event.get("kind") in ("send", "poll") and "op" in event


def _require_no_fault(history: History, operations: Sequence[Operation]) -> None:
    until_ns = max(_end_ns(one) for one in operations)
    faults = dict.fromkeys(fault.name for fault in history.faults if fault.injected_ns <= until_ns)
    if faults:
        raise NoScript(f"it came about after a fault that curl cannot inject: {', '.join(faults)}")


def _require_one_after_the_other(operations: Sequence[Operation]) -> None:
    for number, one in enumerate(operations):
        _require_apart(one, operations[number + 1 :])


def _require_apart(one: Operation, others: Iterable[Operation]) -> None:
    for other in others:
        if one.start_ns < _end_ns(other) and other.start_ns < _end_ns(one):
            raise NoScript(
                "its requests overlapped in time, and curl makes one after the other"
                f" (operations {one.op} and {other.op} of the history)"
            )


def _end_ns(operation: Operation) -> int:
    return operation.start_ns if operation.end_ns is None else operation.end_ns


def _chosen(history: History, sends: Sequence[Send], polls: Sequence[Poll]) -> list[Operation]:
    """Return the sends to the mailbox and the polls of the consumers that a script makes again, in order."""
    mailbox = polls[0].reader if polls else sends[0].recipient
    known = [poll for poll in history.polls if poll.reader == mailbox]
    consumers = {poll.consumer for poll in polls} or {poll.consumer for poll in known[:1]}
    if not consumers:
        raise NoScript("no one polled the mailbox")
    own: list[Operation] = [*sends, *polls]
    until_ns = max(map(_end_ns, own))
    arrived = {message.id for poll in polls for message in poll.messages}
    needed = {one.op for one in own}
    needed |= {send.op for send in history.sends if send.id in arrived and send.recipient == mailbox}
    all_: list[Operation] = [
        send
        for send in history.sends
        if send.recipient == mailbox and (send.outcome is Outcome.OK or send.op in needed)
    ]
    all_ += [poll for poll in known if poll.consumer in consumers and (poll.messages or poll.op in needed)]
    in_order = sorted((one for one in all_ if one.start_ns <= until_ns), key=lambda one: one.start_ns)
    return _few(in_order, needed, consumers)


def _few(operations: list[Operation], needed: set[int], consumers: Iterable[str]) -> list[Operation]:
    """Return the operations, from shortly before the finding on if they are many. Raise NoScript."""
    places = [place for place, one in enumerate(operations) if one.op in needed]
    if len(operations) > MOST_STEPS:
        before = [place for place in range(places[0]) if isinstance(operations[place], Poll)]
        operations = operations[before[-1] if before else places[0] :]
    if len(operations) > MOST_STEPS:
        raise NoScript(f"it takes {len(operations)} requests, more than a script is good for")
    if not any(isinstance(one, Send) for one in operations):
        raise NoScript("the history has no send of what arrived")
    return operations


def _subjects(finding: Finding, shown: Shown, sends: Sequence[Send], chosen: Sequence[Operation]) -> set[int]:
    """Return the operations whose messages are looked for in what arrived."""
    if shown == "unordered":
        return {one.op for one in chosen if isinstance(one, Send)}
    if shown in ("missing", "doubled"):
        if not sends:
            raise NoScript("the finding does not show the send of its message")
        return {sends[-1].op}
    return set()


def _steps(chosen: Iterable[Operation], subjects: set[int]) -> Iterator[Sending | Polling]:
    for one in chosen:
        if isinstance(one, Poll):
            limits = (_LIMIT.fullmatch(what) for what in one.special)
            limit = next((int(found[1]) for found in limits if found), None)
            yield Polling(one.consumer, one.reader, limit, _seen(one))
        else:
            yield Sending(
                one.sender, one.recipient, one.content, one.client_message_id, one.op in subjects, _seen(one)
            )


def _seen(operation: Operation) -> str:
    """Return what the run was answered, on one line."""
    answered = str(operation.status or operation.error or "nothing")
    if isinstance(operation, Poll):
        count = len(operation.messages)
        return f"in the run: {answered}, {count or 'no'} message{'s' * (count != 1)}"
    named = [f"{name} {value}" for name in ("seq", "id") if (value := getattr(operation, name)) is not None]
    return printable(f"in the run: {', '.join([answered, *named])}")


def _title(row: str, finding: Finding, chosen: Sequence[Operation]) -> str:
    varied = [what for one in chosen for what in one.special]
    special = dict.fromkeys(what for what in varied if not what.startswith(("content: ", "limit=")))
    said = printable(f"{row}, {finding.promise}: {finding.sentence}")
    lines = textwrap.wrap(said, 100, break_long_words=False, break_on_hyphens=False)
    if special:
        about = f"The run also varied how it asked, which this script does not: {', '.join(special)}."
        lines += textwrap.wrap(printable(about), 100, break_long_words=False)
    return "\n".join(lines)
