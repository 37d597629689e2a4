"""How a finding can be repeated by hand: which requests the script makes, and why some findings have none."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checkers import PROMISES
from harness.history import History
from harness.reports.html import render_html
from harness.reports.record import Repeat, RowResult, RunRecord
from harness.runner.repeating import MOST_STEPS, SHOWN, repeats
from harness.targets.profile import REFERENCE, load_profile
from harness.verdict import Finding, Judgement, Verdict
from tests.unit.harness.test_message_stories import BEGIN, NS, fault, poll, send

PROFILE = load_profile(REFERENCE)


def repeated(
    events: list[dict[str, Any]],
    shown: list[dict[str, Any]],
    *,
    kind: str = "delivered_twice",
    promise: str = "no-duplicate",
) -> Repeat:
    """Return how a finding with these events, in a history of those, can be repeated."""
    found = Finding(promise, kind, "A sentence.", tuple(shown))
    judged = Judgement(promise, Verdict.FAIL, "A sentence.", (found,))
    row = RowResult("A-01", "A row", "s", Verdict.FAIL, 1.0, judgements=(judged,))
    history = History.from_events([BEGIN, *events])
    return repeats(row, [History.from_events([BEGIN]), history], PROFILE)[promise]


SENT = send(1, 1.0)
TWICE = [*SENT, poll(2, 2.0, 1), poll(3, 4.0, 1)]


def steps(repeat: Repeat) -> list[str]:
    """Return what a script does, a word for each request."""
    lines = repeat.script.partition("cursor1=;")[2].splitlines()
    return [line.split()[0] for line in lines if line.startswith(("alice_sends '", "poll1"))]


def test_the_script_makes_the_sends_and_the_polls_again_in_their_order() -> None:
    others = [*send(4, 1.5), poll(5, 1.7), *send(6, 9.0), *send(7, 0.5, recipient="carol")]
    repeat = repeated([*TWICE, *others], TWICE)
    assert steps(repeat) == ["alice_sends", "alice_sends", "poll1", "poll1"]
    assert "hello 1" in repeat.script
    assert "hello 6" not in repeat.script, "that was later"
    assert repeat.why_not == ""


def test_a_poll_asks_for_as_many_messages_as_it_did() -> None:
    limited = poll(2, 2.0, 1) | {"special": ["limit=1", "over a new connection"]}
    repeat = repeated([*SENT, limited, TWICE[-1]], [*SENT, limited, TWICE[-1]])
    assert steps(repeat)[1:] == ["poll1_of_1", "poll1"]
    assert "limit=1" in repeat.script
    assert "which this script does not: over a new connection" in " ".join(repeat.script.split("\n# "))


def test_of_a_long_history_it_makes_what_follows_the_last_poll_before() -> None:
    crowd = [event for number in range(100, 110 + MOST_STEPS) for event in send(number, number / 1000)]
    before = poll(50, 0.9, 100)
    repeat = repeated([*crowd, before, *TWICE], TWICE)
    assert steps(repeat) == ["poll1", "alice_sends", "poll1", "poll1"]


def test_what_takes_too_many_requests_has_no_script() -> None:
    crowd = [event for number in range(100, 110 + MOST_STEPS) for event in send(number, 1.1 + number / 1000)]
    assert "more than a script is good for" in repeated([*crowd, *TWICE], TWICE).why_not


@pytest.mark.parametrize(
    ("events", "kind", "promise", "why"),
    [
        ([fault("inject", 1.5), *TWICE], "delivered_twice", "no-duplicate", "curl cannot inject: redis_ref"),
        (TWICE, "too_slow", "available", "it is about time"),
        (TWICE, "leaked", "private", "not shown by sends and polls"),
        ([*send(8, 1.0)], "delivered_twice", "no-duplicate", "the history has no sends and polls of it"),
    ],
)
def test_where_there_is_no_script_a_sentence_says_why(
    events: list[dict[str, Any]], kind: str, promise: str, why: str
) -> None:
    repeat = repeated(events, TWICE, kind=kind, promise=promise)
    assert repeat.script == ""
    assert why in repeat.why_not


def test_a_fault_after_the_finding_is_no_reason() -> None:
    assert repeated([*TWICE, fault("inject", 5.0)], TWICE).script


def test_requests_at_the_same_time_have_no_script() -> None:
    slow = poll(2, 0.9, 1) | {"t": int(3 * NS)}
    assert "overlapped in time" in repeated([*SENT, slow, TWICE[-1]], [*SENT, slow, TWICE[-1]]).why_not


def test_a_poll_alone_brings_the_sends_of_what_it_returned() -> None:
    kind = {"kind": "timestamp_not_rising", "promise": "order"}
    assert steps(repeated(TWICE, [TWICE[-1]], **kind)) == ["alice_sends", "poll1", "poll1"]
    assert repeated([poll(3, 4.0, 1)], [poll(3, 4.0, 1)], **kind).why_not == (
        "the history has no send of what arrived"
    )


def test_an_unread_mailbox_has_no_script() -> None:
    assert repeated(SENT, SENT, kind="not_stored", promise="no-loss").why_not == "no one polled the mailbox"


def test_the_page_shows_the_script_or_says_why_there_is_none() -> None:
    found = Finding("no-loss", "not_stored", "Lost.")
    judged = Judgement("no-loss", Verdict.FAIL, "Lost.", (found,))

    def page(repeat: Repeat) -> str:
        row = RowResult("A-01", "A row", "s", Verdict.FAIL, 1.0, (), (judged,), repeats={"no-loss": repeat})
        run = RunRecord(Verdict.FAIL, 1, 7, "2026-01-01T00:00:00+00:00", 9.0, (row,), {}, "mine")
        return render_html(run)

    assert "curl &lt;/script&gt;" in page(Repeat(script="curl </script>"))
    assert "There is no curl script for it: it is so." in page(Repeat(why_not="it is so"))


def test_what_a_script_can_show_are_findings_that_there_are() -> None:
    known = {promise.name: set(promise.kinds) for promise in PROMISES}
    assert all(set(kinds) <= known[promise] for promise, kinds in SHOWN.items())
