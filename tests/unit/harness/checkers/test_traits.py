"""A finding says what was unusual about its operations, and a judgement what all of them share."""

from __future__ import annotations

from harness.checkers import no_loss, run_checker
from harness.verdict import Judgement, Verdict

from .histories import Story, message

TO_ONESELF = {"special": ["to oneself"]}


def judged(*, lost: dict[str, list[str]], kept: dict[str, list[str]]) -> Judgement:
    """Messages by name, with what is unusual about each; a cursor passes those that are lost."""
    story = Story().poll(0.1)
    for name, special in lost.items():
        story.send(name, 1.0, special=special)
    for name, special in kept.items():
        story.send(name, 2.0, special=special)
    return run_checker(no_loss, story.poll(3.0, *(message(name, 2.0) for name in kept)).history())


def test_a_finding_names_what_was_unusual_about_the_send_and_the_poll() -> None:
    story = Story().send("a", 1.0, **TO_ONESELF).send("b", 1.1, special=["sent as a form"])
    story.poll(2.0, message("b", 1.1), special=["limit 1"])
    (finding,) = no_loss(story.history()).findings
    assert finding.sentence.endswith("which passes it. Unusual about it: to oneself, limit 1.")


def test_a_finding_without_anything_unusual_does_not_mention_it() -> None:
    judgement = judged(lost={"a": []}, kept={"b": ["to oneself"]})
    assert "pecial" not in judgement.reason
    assert "special_about_findings" not in judgement.evidence


def test_what_all_lost_messages_share_and_most_others_do_not_is_reported() -> None:
    lost = {"a": ["to oneself", "sent as a form"], "b": ["to oneself"]}
    judgement = judged(lost=lost, kept={"c": [], "d": ["sent as a form"], "e": []})
    told = "All 2 findings of stored_but_skipped have in common: to oneself (2 of 5 sends)."
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason.endswith(told)
    assert judgement.evidence["in_common"] == told
    assert judgement.evidence["special_about_findings"] == {
        "stored_but_skipped": {"to oneself": 2, "sent as a form": 1}
    }


def test_what_most_messages_share_is_not_a_hint() -> None:
    judgement = judged(lost={"a": ["to oneself"], "b": ["to oneself"]}, kept={"c": ["to oneself"], "d": []})
    assert "in_common" not in judgement.evidence


def test_one_finding_has_nothing_in_common_with_another() -> None:
    assert "in_common" not in judged(lost={"a": ["to oneself"]}, kept={"b": [], "c": []}).evidence
