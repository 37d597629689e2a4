"""retention-told: the server says `gap` where retention dropped messages, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checkers import applying_to, has_retention_to_tell, no_loss, retention_told
from harness.verdict import Judgement, Verdict

from .histories import Story, message, stamp

NAMES = "abcdef"


def at(name: str) -> float:
    return 1.0 + NAMES.index(name)


def page(*names: str) -> list[dict[str, Any]]:
    return [message(name, at(name)) for name in names]


def sent(names: str, *, retained: int = 2, **policy: Any) -> Story:
    """One message a second, from 1 s on, to a mailbox that retains `retained` of them."""
    story = Story(policy=policy, retained_messages=retained)
    for name in names:
        story.send(name, at(name))
    return story


def judged(story: Story) -> Judgement:
    return retention_told(story.history())


def kinds(story: Story) -> list[str]:
    return [finding.kind for finding in judged(story).findings]


def counts(story: Story) -> tuple[object, ...]:
    evidence = judged(story).evidence
    names = ("gaps_admitted", "beyond_retention", "delivered", "admitted", "silent")
    return tuple(evidence[name] for name in names)


def test_a_reader_from_the_start_is_told_of_what_was_dropped() -> None:
    story = sent("abcd").poll(9, *page("c", "d"), gap=True)
    assert judged(story).verdict is Verdict.PASS
    assert counts(story) == (1, 2, 0, 2, 0)


def test_a_reader_from_the_start_who_is_not_told_has_a_silent_gap() -> None:
    story = sent("abcd").poll(9, *page("c", "d"))
    (finding,) = judged(story).findings
    assert finding.kind == "silent_gap"
    assert finding.sentence == (
        "The answer at 9.010 s moved bob#1 past message 'a' from alice to bob and 1 more, older than the "
        "retained 2, and reported no gap."
    )
    assert finding.suspected_cause == "trimmed queue"
    assert counts(story) == (0, 2, 0, 0, 2)
    assert no_loss(story.history()).verdict is Verdict.FAIL


def test_one_message_is_reported_by_its_name() -> None:
    (finding,) = judged(sent("abc").poll(9, *page("b", "c"))).findings
    assert "past message 'a' from alice to bob, older" in finding.sentence


def test_a_gap_reported_too_late_is_silent_where_the_consumer_was_moved_past() -> None:
    """The client of the first answer has gone on already."""
    story = sent("abcd").poll(9, *page("c")).poll(9.1, *page("d"), gap=True)
    assert kinds(story) == ["silent_gap", "false_gap"]


def test_a_gap_after_another_cursor_does_not_cover_what_is_before_it() -> None:
    """The consumer went to and fro; none of its answers from before what was dropped said so."""
    story = sent("abcd").poll(7).poll(8, since=stamp(50), next_since="page 8", gap=True)
    assert kinds(story.poll(9, *page("c", "d"), since=None)) == ["silent_gap", "false_gap"]


def test_a_gap_reported_before_covers_what_the_next_answer_skips() -> None:
    story = sent("abcd").poll(9, gap=True).poll(9.1, *page("c", "d"))
    assert kinds(story) == []
    assert counts(story) == (1, 2, 0, 2, 0)


@pytest.mark.parametrize(("gap", "expected"), [(True, []), (False, ["silent_gap"])])
def test_a_consumer_whose_cursor_is_before_what_is_left_must_be_told_as_well(
    gap: bool, expected: list[str]
) -> None:
    story = sent("a").poll(1.5, *page("a"))
    for name in "bcdef":
        story.send(name, at(name))
    story.poll(9, *page("e", "f"), gap=gap)
    assert kinds(story) == expected
    assert counts(story)[1] == 3


def test_a_gap_does_not_cover_what_is_dropped_later() -> None:
    story = sent("abc").poll(4, *page("b", "c"), gap=True)
    for name in "def":
        story.send(name, at(name))
    assert kinds(story.poll(9, *page("f"))) == ["silent_gap"]
    assert counts(story) == (1, 2, 0, 1, 1)


def test_what_retention_was_not_free_to_drop_is_for_no_loss() -> None:
    story = sent("abcd", retained=3).poll(9, *page("c", "d"))
    assert counts(story) == (0, 1, 0, 0, 1)
    assert kinds(sent("abcd", retained=4).poll(9, *page("c", "d"))) == []


def test_a_server_that_keeps_more_than_it_must_has_no_gap() -> None:
    story = sent("abcd").poll(9, *page("a", "b", "c", "d"))
    assert judged(story).verdict is Verdict.PASS
    assert counts(story) == (0, 2, 2, 0, 0)


def test_without_a_reader_behind_retention_and_without_a_gap_it_is_inconclusive() -> None:
    story = sent("ab").poll(9, *page("a", "b"))
    judgement = judged(story)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.reason == "no reader was behind by more than 2 messages, and no answer admitted a gap"
    assert not has_retention_to_tell(story.history())
    assert "retention-told" not in applying_to(story.history())


def test_it_applies_wherever_it_can_be_judged() -> None:
    for story in (sent("abcd").poll(9), sent("abcd").poll(9, *page("c", "d")), sent("a").poll(9, gap=True)):
        expected = bool(judged(story).evidence["gaps_admitted"] or judged(story).evidence["beyond_retention"])
        assert ("retention-told" in applying_to(story.history())) is expected
    assert "retention-told" in applying_to(sent("abcd").poll(9, *page("c", "d")).history())


def test_a_hole_without_a_time_is_a_silent_gap_too() -> None:
    bare: dict[str, Any] = {"timestamp": None}
    story = Story(retained_messages=1).send("a", 1.0, **bare).send("b", 2.0, **bare)
    story.poll(3.0, message("b", 2.0, **bare), next_since="page 2")
    assert kinds(story) == ["silent_gap"]


def test_a_gap_in_an_empty_mailbox_is_false() -> None:
    story = Story().poll(1.0, gap=True)
    (finding,) = judged(story).findings
    assert finding.kind == "false_gap"
    assert finding.sentence == (
        "The answer at 1.010 s reported a gap to bob#1 after the beginning of the mailbox, but nothing was "
        "missing there."
    )


def test_a_gap_is_false_if_everything_after_the_cursor_came() -> None:
    assert kinds(sent("ab").poll(9, *page("a", "b"), gap=True)) == ["false_gap"]
    assert kinds(sent("abcd").poll(9, *page("a", "b", "c", "d"), gap=True)) == ["false_gap"]
    assert kinds(sent("abcd").poll(9, *page("a"), gap=True).poll(9.1, *page("b", "c", "d"))) == ["false_gap"]
    (finding,) = judged(sent("ab").poll(1.5, *page("a")).poll(9, *page("b"), gap=True)).findings
    assert finding.sentence.endswith(
        f"to bob#1 after the cursor {stamp(1.0)}, but nothing was missing there."
    )


def test_a_gap_that_covers_what_is_lost_is_not_false() -> None:
    """What retention was not free to drop is no-loss's finding; the server at least admits it."""
    story = sent("abc", retained=3).poll(9, *page("b", "c"), gap=True)
    assert kinds(story) == []
    assert no_loss(story.history()).verdict is Verdict.FAIL


def test_a_message_after_the_gap_that_the_consumer_did_not_wait_for_explains_it() -> None:
    assert kinds(sent("abcd").poll(9, *page("a"), gap=True, has_more=True)) == []
    assert kinds(sent("ab").poll(9, *page("a", "b"), gap=True).send("c", 9.5)) == ["false_gap"]


def test_what_is_missing_before_the_cursor_does_not_explain_a_gap() -> None:
    story = sent("abcd").poll(9, *page("c", "d"), gap=True).poll(11, gap=True)
    assert kinds(story) == ["false_gap"]


def test_a_message_of_unknown_outcome_explains_a_gap_only_if_retention_was_free_to_drop_it() -> None:
    def story(retained: int) -> Story:
        told = Story(retained_messages=retained).send("a", 1.0, status=None).send("b", 2.0)
        return told.poll(9, *page("b"), gap=True)

    assert kinds(story(retained=1)) == []
    assert kinds(story(retained=2)) == ["false_gap"]
    seen = story(retained=2).poll(10, *page("a", "b"), consumer="bob#2")
    assert kinds(seen) == []


def test_a_message_of_unknown_time_may_be_anywhere() -> None:
    story = Story().send("a", 1.0, timestamp=None).send("b", 2.0)
    assert kinds(story.poll(9, *page("b"), gap=True)) == []
    assert kinds(Story().send("b", 2.0).poll(9, *page("b"), gap=True, since="page 1")) == ["false_gap"]


def test_a_consumer_that_has_gone_back_may_find_dropped_what_it_had() -> None:
    story = sent("ab").poll(3, *page("a", "b")).send("c", 3.5).poll(9, *page("b", "c"), gap=True, since=None)
    assert kinds(story) == []


@pytest.mark.parametrize(
    ("policy", "verdict"), [("served", Verdict.FAIL), ("gap", Verdict.PASS)], ids=["served", "gap"]
)
def test_no_loss_accepts_a_gap_after_a_cursor_only_from_a_server_that_drops_for_cursors(
    policy: str, verdict: Verdict
) -> None:
    story = sent("a", older_cursors=policy).poll(1.5, *page("a"))
    for name in "bcdef":
        story.send(name, at(name))
    story.poll(9, *page("e", "f"), gap=True).poll(11).drained(12)
    assert no_loss(story.history()).verdict is verdict
    assert judged(story).verdict is Verdict.PASS


def test_an_error_admits_nothing() -> None:
    story = sent("abcd").poll(8, status=503, gap=True).poll(9, *page("c", "d"))
    assert kinds(story) == ["silent_gap"]
