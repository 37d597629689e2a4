"""What each of a target's semantics changes in the verdicts, and that it changes nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checkers import (
    CHECKERS,
    PROMISES,
    applying_to,
    cursor,
    no_duplicate,
    no_loss,
    on_time,
    order,
    recovers,
    retention_told,
    run_checker,
)
from harness.history import History
from harness.semantics import Semantics
from harness.verdict import Checker, Judgement, Verdict, summed_up

from .histories import Story, message
from .test_no_loss import kinds

INCOMPARABLE = ("id", "token", "header")


def story(*, bounds: dict[str, Any] | None = None, **semantics: Any) -> Story:
    return Story(semantics=semantics, **bounds or {})


def judged(checker: Checker, told: Story) -> Judgement:
    return run_checker(checker, told.history())


def test_a_history_without_semantics_has_the_references() -> None:
    told = Story().send("a", 1.0)
    del told.events[0]["semantics"]
    assert told.history().semantics == Semantics()


def test_a_history_with_unknown_semantics_is_refused() -> None:
    with pytest.raises(
        ValueError, match="enum value 'sideways' at `order`; legal are none, per_sender, total"
    ):
        story(order="sideways").history()


class TestSequences:
    """Cursors that are whole numbers, compared with the messages' `seq`."""

    def passed_by(self, given: str, **semantics: Any) -> list[str]:
        told = story(cursor="sequence", **semantics).send("a", 1.0, seq=9).send("b", 1.1, seq=10)
        told.poll(0.5, next_since="8").poll(2.0, message("b", 1.1, seq=10), next_since=given)
        return kinds(cursor(told.history()))

    def test_a_cursor_passes_a_message_with_a_lower_number_not_text(self) -> None:
        assert self.passed_by("10") == ["passed"]
        assert self.passed_by("0009") == ["passed"]
        assert self.passed_by("8") == []

    def test_a_cursor_that_is_not_a_number_passes_nothing(self) -> None:
        assert self.passed_by("ten") == []

    def test_an_inclusive_cursor_does_not_pass_the_message_it_names(self) -> None:
        assert self.passed_by("9", boundary="inclusive") == []
        assert self.passed_by("10", boundary="inclusive") == ["passed"]

    def test_a_message_without_a_number_cannot_be_compared(self) -> None:
        told = story(cursor="sequence").send("a", 1.0).poll(2.0, next_since="7")
        assert kinds(cursor(told.history())) == []

    def test_a_message_that_comes_after_its_number_was_passed_is_a_finding(self) -> None:
        told = story(cursor="sequence").send("a", 1.0, seq=5).poll(2.0, next_since="5")
        told.poll(4.0, message("a", 1.0, seq=5), next_since="5")
        assert kinds(cursor(told.history())) == ["passed"]

    def test_at_an_inclusive_cursor_it_may_still_come(self) -> None:
        told = story(cursor="sequence", boundary="inclusive").send("a", 1.0, seq=5).poll(2.0, next_since="5")
        told.poll(4.0, message("a", 1.0, seq=5), next_since="5")
        assert kinds(cursor(told.history())) == []

    def test_a_message_passed_is_lost(self) -> None:
        told = story(cursor="sequence").send("a", 1.0, seq=5).poll(2.0, next_since="6")
        assert kinds(no_loss(told.history())) == ["not_stored"]

    def test_timestamps_that_do_not_rise_are_not_judged(self) -> None:
        told = story(cursor="sequence").poll(2.0, message("a", 1.5, seq=1), message("b", 1.0, seq=2))
        assert kinds(order(told.history())) == []


@pytest.mark.parametrize("kind", INCOMPARABLE)
class TestIncomparableCursors:
    """Judged by what the next polls bring."""

    def read_past(self, kind: str, **more: Any) -> Story:
        told = story(cursor=kind, **more).poll(0.5, next_since="t0")
        told.send("a", 1.0).send("b", 1.5)
        told.poll(2.0, message("b", 1.5), next_since="t1")
        return told.poll(2.0, message("a", 1.0), message("b", 1.5), consumer="bob#2", next_since="t1")

    def test_an_answer_whose_next_polls_never_bring_what_others_get_passes_it(self, kind: str) -> None:
        judgement = cursor(self.read_past(kind).history())
        assert kinds(judgement) == ["passed"]
        assert "The answer at 2.010 s gave bob#1 the cursor t1, which passes message 'a'" in judgement.reason

    def test_a_reader_of_another_mailbox_does_not_show_that_it_is_there(self, kind: str) -> None:
        told = story(cursor=kind).send("a", 1.0).send("b", 1.5)
        told.poll(2.0, message("b", 1.5), next_since="t1")
        told.poll(2.0, message("a", 1.0), consumer="carol#1", next_since="t1")
        assert kinds(cursor(told.history())) == []

    def test_one_that_comes_later_was_not_passed(self, kind: str) -> None:
        told = self.read_past(kind).poll(4.0, message("a", 1.0), next_since="t2")
        assert kinds(cursor(told.history())) == []

    def test_what_no_one_gets_is_for_no_loss(self, kind: str) -> None:
        told = story(cursor=kind).send("a", 1.0).send("b", 1.5)
        told.poll(2.0, message("b", 1.5), next_since="t1").drained(9.0)
        assert kinds(cursor(told.history())) == []
        assert kinds(no_loss(told.history())) == ["not_stored"]

    def unordered(self, kind: str, *polls: float, **last: Any) -> Judgement:
        told = self.read_past(kind, order="none")
        for at in polls[:-1]:
            told.poll(at)
        return cursor(told.poll(polls[-1], **last).history())

    def test_without_an_order_it_must_stay_away_until_it_was_due(self, kind: str) -> None:
        assert kinds(self.unordered(kind, 3.9)) == []
        assert kinds(self.unordered(kind, 4.1)) == ["passed"]
        assert kinds(self.unordered(kind, 4.1, has_more=True)) == []

    def test_a_consumer_that_was_never_answered_was_given_no_cursor(self, kind: str) -> None:
        told = story(cursor=kind, order="none").poll(0.5, status=None).send("a", 1.0)
        told.poll(2.0, message("a", 1.0), consumer="bob#2", next_since="t1")
        assert kinds(cursor(told.poll(9.0, status=None).history())) == []

    def test_a_cursor_from_before_the_message_did_not_pass_it(self, kind: str) -> None:
        told = story(cursor=kind, order="none").poll(0.5, next_since="t0").send("a", 1.0)
        told.poll(2.0, message("a", 1.0), consumer="bob#2", next_since="t1")
        assert kinds(cursor(told.poll(9.0).history())) == []

    def test_a_consumer_that_was_never_given_a_new_cursor(self, kind: str) -> None:
        told = story(cursor=kind, order="none").poll(0.5).send("a", 1.0)
        told.poll(2.0, message("a", 1.0), consumer="bob#2", next_since="t1")
        assert kinds(cursor(told.poll(9.0).history())) == []

    def test_a_consumer_that_begins_at_a_cursor_need_not_get_what_was_before(self, kind: str) -> None:
        told = story(cursor=kind).send("a", 0.5).send("b", 3.0)
        told.poll(1.0, message("a", 0.5), consumer="bob#2").poll(2.0, since="t5", next_since="t5")
        told.poll(4.0, message("b", 3.0), next_since="t6").drained(9.0)
        assert kinds(no_loss(told.history())) == kinds(cursor(told.history())) == []

    def test_a_repeated_cursor_is_a_duplicate_and_another_one_the_harnesss_mistake(self, kind: str) -> None:
        told = story(cursor=kind).send("a", 1.0).poll(2.0, message("a", 1.0), next_since="t1")
        again = no_duplicate(told.poll(4.0, message("a", 1.0)).history())
        assert kinds(again) == ["delivered_twice"]
        told = story(cursor=kind).send("a", 1.0).poll(2.0, message("a", 1.0), next_since="t1")
        strayed = no_duplicate(told.poll(4.0, message("a", 1.0), since="t0").history())
        assert strayed.verdict is Verdict.INCONCLUSIVE

    def test_timestamps_mean_nothing(self, kind: str) -> None:
        told = story(cursor=kind).send("a", 1.5, timestamp=None).send("b", 1.0, timestamp=None)
        told.poll(2.0, message("b", 1.5), message("a", 1.0, timestamp=None), next_since="t9")
        assert kinds(order(told.history())) == kinds(cursor(told.history())) == []

    @pytest.mark.parametrize(
        ("since", "expected"), [("t9", ["false_gap"]), ("t1", []), (None, [])], ids=["on", "back", "start"]
    )
    def test_a_gap_after_going_back_can_be_right(
        self, kind: str, since: str | None, expected: list[str]
    ) -> None:
        told = story(cursor=kind).send("a", 1.0).poll(2.0, message("a", 1.0), next_since="t9")
        told.poll(4.0, since=since, gap=True)
        assert kinds(retention_told(told.history())) == expected

    def test_a_gap_at_the_first_poll_did_not_follow_going_back(self, kind: str) -> None:
        assert kinds(retention_told(story(cursor=kind).poll(1.0, gap=True).history())) == ["false_gap"]


class TestBoundary:
    """Whether a poll repeats the message at its cursor."""

    def again(self, name: str = "b", **semantics: Any) -> list[str]:
        told = story(**semantics).send("a", 1.0).send("b", 1.1)
        next_since = message("b", 1.1)["timestamp" if semantics.get("cursor") != "id" else "id"]
        told.poll(2.0, message("a", 1.0), message("b", 1.1), next_since=next_since)
        told.poll(4.0, message(name, 1.1 if name == "b" else 1.0), next_since=next_since)
        return kinds(no_duplicate(told.history()))

    @pytest.mark.parametrize("kind", ["timestamp", *INCOMPARABLE])
    def test_the_message_at_an_inclusive_cursor_may_come_once_more(self, kind: str) -> None:
        assert self.again(cursor=kind, boundary="inclusive") == []
        assert self.again(cursor=kind, boundary="exclusive") == ["delivered_twice"]

    @pytest.mark.parametrize("kind", ["timestamp", *INCOMPARABLE])
    def test_another_message_may_not(self, kind: str) -> None:
        assert self.again("a", cursor=kind, boundary="inclusive") == ["delivered_twice"]

    def test_a_message_that_cannot_be_compared_is_at_no_cursor(self) -> None:
        told = story(boundary="inclusive", cursor="sequence").send("a", 1.0)
        told.poll(2.0, message("a", 1.0), next_since="one").poll(4.0, message("a", 1.0))
        assert kinds(no_duplicate(told.history())) == ["delivered_twice"]

    def test_without_a_cursor_nothing_is_at_it(self) -> None:
        told = story(boundary="inclusive").send("a", 1.0)
        told.poll(2.0, message("a", 1.0), next_since=None).poll(4.0, message("a", 1.0))
        assert kinds(no_duplicate(told.history())) == ["delivered_twice"]

    def test_equal_timestamps_can_be_paged_between_and_falling_ones_cannot(self) -> None:
        equal, falling = message("b", 1.0), message("b", 0.5)
        for boundary, second, expected in [
            ("inclusive", equal, []),
            ("inclusive", falling, ["timestamp_not_rising"]),
            ("exclusive", equal, ["timestamp_not_rising"]),
        ]:
            told = story(boundary=boundary).poll(2.0, message("a", 1.0), second)
            assert kinds(order(told.history())) == expected


class TestOrder:
    """Which order is promised."""

    @pytest.mark.parametrize("promised", ["total", "per_sender", "none"])
    def test_a_sender_overtaken_by_itself(self, promised: str) -> None:
        told = story(order=promised, cursor="id").send("a", 1.0).send("b", 1.5)
        told.poll(2.0, message("b", 1.5), message("a", 1.0))
        judgement = judged(order, told)
        if promised == "none":
            assert (judgement.verdict, judgement.reason) == (
                Verdict.SKIPPED,
                'the target\'s profile says order = "none".',
            )
        else:
            assert kinds(judgement) == ["out_of_order"]

    def test_only_a_total_order_is_the_same_for_all_readers_and_numbers(self) -> None:
        for promised, expected in [
            ("total", ["readers_disagree", "seq_not_rising", "timestamp_not_rising"]),
            ("per_sender", []),
        ]:
            one, other = message("a", 1.0, seq=1), message("b", 1.1, seq=2, sender="carol")
            told = story(order=promised).poll(2.0, one, other).poll(2.0, other, one, consumer="bob#2")
            assert sorted(kinds(order(told.history()))) == expected

    def test_a_hole_is_shown_by_what_is_ordered(self) -> None:
        for promised, same_sender, other_sender in [
            ("total", ["hole"], ["hole"]),
            ("per_sender", ["hole"], []),
            ("none", [], []),
        ]:
            for sender, expected in [("alice", same_sender), ("carol", other_sender)]:
                told = story(order=promised).send("a", 1.0, seq=1).send("b", 1.5, seq=2, sender=sender)
                told.poll(2.0, message("a", 1.0, seq=1), message("b", 1.5, sender=sender), consumer="bob#2")
                told.poll(2.0, message("b", 1.5, seq=2, sender=sender), next_since=None)
                assert kinds(no_loss(told.history())) == expected, (promised, sender)


class TestDelivery:
    """How often a message is delivered."""

    def test_a_message_that_comes_twice_is_only_judged_where_once_is_promised(self) -> None:
        told = story(delivery="at_least_once").send("a", 1.0)
        told.poll(2.0, message("a", 1.0)).poll(4.0, message("a", 1.0))
        judgement = judged(no_duplicate, told)
        assert judgement.verdict is Verdict.SKIPPED
        assert 'delivery = "at_least_once"' in judgement.reason


class TestRetry:
    """What a send that is tried again becomes."""

    def retried(self, *ids: str, tries: int = 2, apart_s: float = 10.0, **semantics: Any) -> list[str]:
        told = story(**semantics)
        for count in range(tries):
            told.send("a", 1.0 + count * apart_s, status=None)
        told.poll(90.0, *(message("a", 1.0 + n, id=id_) for n, id_ in enumerate(ids)))
        return kinds(no_duplicate(told.history()))

    def test_with_a_key_it_is_one_message(self) -> None:
        assert self.retried("x", "y") == ["two_ids"]
        assert self.retried("x", "y", key_holds_s=60.0) == ["two_ids"]

    def test_a_key_holds_for_its_time(self) -> None:
        assert self.retried("x", "y", key_holds_s=5.0) == []
        assert self.retried("x", "y", "z", key_holds_s=5.0) == ["two_ids"]

    def test_without_a_key_each_try_can_be_a_message(self) -> None:
        assert self.retried("x", "y", retry="none") == []
        assert self.retried("x", "y", tries=1, retry="none") == ["two_ids"]
        assert self.retried("x", "y", "z", retry="none") == ["two_ids"]

    def test_a_refused_try_is_not_a_message(self) -> None:
        told = story(retry="none").send("a", 1.0, status=None).send("a", 2.0, status=400)
        told.poll(3.0, message("a", 1.0, id="x"), message("a", 2.0, id="y"))
        assert kinds(no_duplicate(told.history())) == ["two_ids"]

    def test_a_refused_message_that_comes_is_one(self) -> None:
        for semantics in ({"retry": "none"}, {"key_holds_s": 5.0}):
            told = story(**semantics).send("a", 1.0, status=400)
            told.poll(3.0, message("a", 1.0, id="x"), message("a", 2.0, id="y"))
            assert kinds(no_duplicate(told.history())) == ["two_ids"]

    def test_a_key_that_no_longer_holds_can_be_used_for_another_message(self) -> None:
        for holds_s, expected in [(5.0, []), (60.0, ["two_ids"])]:
            told = story(key_holds_s=holds_s).send("a", 1.0).send("a", 9.0, content="other", id="id-b")
            told.poll(10.0, message("a", 1.0), message("a", 9.0, id="id-b", content="other"))
            assert kinds(no_duplicate(told.history())) == expected

    def test_a_try_that_never_ended_can_be_one(self) -> None:
        told = story(key_holds_s=60.0).send("a", 1.0, status=None).begun("a", 2.0)
        told.poll(3.0, message("a", 1.0, id="x"), message("a", 2.0, id="y"))
        assert kinds(no_duplicate(told.history())) == []

    def test_without_keys_messages_with_one_client_message_id_are_several(self) -> None:
        for retry, expected in [("idempotency_key", ["two_ids"]), ("none", [])]:
            told = story(retry=retry).send("a", 1.0).send("a", 2.0, content="other", id="id-b")
            told.poll(3.0, message("a", 1.0), message("a", 2.0, id="id-b", content="other"))
            assert kinds(no_duplicate(told.history())) == expected


class TestRetention:
    """What may be dropped, and whether it is said."""

    def behind(self, *arrived: str, end: float = 9.0, **semantics: Any) -> Story:
        told = story(bounds={"retained_messages": 2}, **semantics)
        for count, name in enumerate("abcd"):
            told.send(name, 1.0 + count * 0.1)
        told.poll(2.0, *(message(name, 1.0 + "abcd".index(name) * 0.1) for name in arrived))
        return told.poll(8.0).drained(end)

    @pytest.mark.parametrize(
        ("semantics", "lost"),
        [
            ({}, 2),
            ({"gap_signalled": False}, 0),
            ({"gap_signalled": False, "retention": "none"}, 2),
            ({"gap_signalled": False, "retention": "age", "retained_for_s": 5.0}, 2),
            ({"gap_signalled": False, "retention": "age", "retained_for_s": 0.5}, 0),
        ],
        ids=["signalled", "silent", "nothing", "young", "old"],
    )
    def test_what_is_dropped_is_lost_unless_retention_was_free_to(
        self, semantics: dict[str, Any], lost: int
    ) -> None:
        judgement = no_loss(self.behind("c", "d", **semantics).history())
        assert len(judgement.findings) == lost

    def test_a_message_that_was_not_free_to_be_dropped_when_it_was_read_is_lost(self) -> None:
        told = story(bounds={"retained_messages": 2}, gap_signalled=False).send("a", 1.0)
        told.poll(1.5, next_since="2026-01-01T12:00:01.000000Z")
        for count, name in enumerate("bcd"):
            told.send(name, 3.0 + count)
        assert kinds(no_loss(told.history())) == ["not_stored"]

    def test_a_full_page_was_not_read_to_the_end(self) -> None:
        told = story(bounds={"retained_messages": 1}, gap_signalled=False).send("a", 1.0)
        told.poll(1.5, has_more=True, next_since="2026-01-01T12:00:01.000000Z").send("b", 1.7).send("c", 1.8)
        assert kinds(no_loss(told.poll(2.0).history())) == []

    def test_the_number_of_those_dropped_in_silence_is_said(self) -> None:
        judgement = judged(retention_told, self.behind("c", "d", gap_signalled=False))
        assert judgement.verdict is Verdict.SKIPPED
        assert judgement.reason == (
            "the target's profile says gap_signalled = false; 2 messages were dropped without a signal."
        )
        judgement = judged(retention_told, self.behind("a", "b", "c", "d", gap_signalled=False))
        assert judgement.reason == "the target's profile says gap_signalled = false."

    def test_by_age_a_silent_gap_is_judged_by_age(self) -> None:
        for kept_s, expected in [(0.5, ["silent_gap"]), (5.0, []), (500.0, [])]:
            told = self.behind("c", "d", retention="age", retained_for_s=kept_s)
            assert kinds(retention_told(told.history())) == expected


class TestDestructiveReads:
    """Reading deletes, and what an answer that was lost had read comes again after its visibility time."""

    def competing(self, **semantics: Any) -> Story:
        told = story(cursor="none", **semantics).send("a", 1.0).send("b", 1.5)
        told.poll(2.0, message("a", 1.0), next_since=None)
        return told.poll(2.0, message("b", 1.5), consumer="bob#2", next_since=None)

    def test_a_message_reaches_one_of_a_mailboxs_readers(self) -> None:
        told = self.competing().poll(9.0, next_since=None).drained(9.5)
        assert judged(no_loss, told).verdict is Verdict.PASS
        assert judged(no_duplicate, told).verdict is Verdict.PASS
        assert list(told.history().consumers()) == ["bob"]

    def test_to_two_of_them_is_a_duplicate(self) -> None:
        told = self.competing().poll(4.0, message("a", 1.0), consumer="bob#2", next_since=None)
        assert kinds(no_duplicate(told.history())) == ["delivered_twice"]

    def test_the_cursor_is_not_judged(self) -> None:
        assert judged(cursor, self.competing()).verdict is Verdict.SKIPPED

    def test_the_order_is_that_of_each_reader(self) -> None:
        for consumer, expected in [("bob#2", []), ("bob#1", ["out_of_order"])]:
            told = story(cursor="none").send("a", 1.0).send("b", 1.5)
            told.poll(2.0, message("b", 1.5), next_since=None)
            told.poll(3.0, message("a", 1.0), consumer=consumer, next_since=None)
            assert kinds(order(told.history())) == expected

    def test_an_empty_page_that_promises_more_is_endless(self) -> None:
        told = story(cursor="none")
        for count in range(10):
            told.poll(1.0 + count, has_more=True, next_since=None)
        assert kinds(CHECKERS["available"](told.history())) == ["endless"]

    def hidden(self, *polls: float, visibility_s: float = 5.0) -> Story:
        told = story(cursor="none", visibility_s=visibility_s).poll(0.5, next_since=None).send("a", 1.0)
        told.poll(2.0, status=None)
        for at in polls:
            told.poll(at, next_since=None)
        return told.drained(polls[-1])

    def test_what_a_lost_answer_had_read_is_not_lost_until_it_must_be_visible(self) -> None:
        assert judged(no_loss, self.hidden(6.0)).verdict is Verdict.INCONCLUSIVE
        assert kinds(judged(no_loss, self.hidden(8.0))) == ["not_stored"]

    def test_nor_where_an_answer_was_lost_just_before_the_end(self) -> None:
        told = self.hidden(20.0).poll(30.0, status=None).poll(31.0, next_since=None).drained(32.0)
        assert judged(no_loss, told).verdict is Verdict.INCONCLUSIVE

    def test_its_time_is_not_judged(self) -> None:
        for lost, verdict in [(True, Verdict.INCONCLUSIVE), (False, Verdict.FAIL)]:
            told = story(cursor="none", visibility_s=5.0).poll(0.5, next_since=None).send("a", 1.0)
            told.poll(2.0, status=None if lost else 200, next_since=None)
            told.poll(9.0, message("a", 1.0), next_since=None, intended=4.0)
            assert on_time(told.history()).verdict is verdict, lost

    def test_nor_must_it_come_with_the_first_poll_after_an_outage(self) -> None:
        for visibility_s, expected in [(1.0, ["still_missing"]), (60.0, [])]:
            told = story(cursor="none", visibility_s=visibility_s).poll(0.5, next_since=None)
            told.fault("redis refused", inject=0.6, active=0.7, heal=3.0, healed=3.1).send("a", 1.0)
            told.poll(2.0, status=None).poll(6.0, next_since=None).poll(8.0, next_since=None)
            told.poll(12.0, message("a", 1.0), next_since=None)
            assert kinds(recovers(told.history())) == expected


class TestPromises:
    """What a target does not promise is skipped by name."""

    def broken(self, *promises: str) -> History:
        told = story(promises=promises).send("a", 1.0).send("b", 1.5)
        return told.poll(2.0, message("b", 1.5), message("b", 1.5)).history()

    def test_what_is_not_listed_is_skipped(self) -> None:
        history = self.broken("no-loss")
        judgement = run_checker(no_duplicate, history)
        assert (judgement.verdict, judgement.findings) == (Verdict.SKIPPED, ())
        assert judgement.reason == "the target's profile does not list 'no-duplicate' in its promises."
        assert run_checker(no_loss, history).verdict is Verdict.FAIL

    def test_it_does_not_apply_to_a_history_that_was_cut_off(self) -> None:
        assert applying_to(self.broken("no-loss")) == ["no-loss"]

    def test_every_promise_can_be_left_out(self) -> None:
        history = self.broken()
        assert {run_checker(it.checker, history).verdict for it in PROMISES} == {Verdict.SKIPPED}

    def test_a_skipped_promise_counts_only_if_all_are(self) -> None:
        skipped = Judgement("order", Verdict.SKIPPED, "not promised")
        assert summed_up([skipped, Judgement("no-loss", Verdict.PASS)]) == (Verdict.PASS, "")
        assert summed_up([skipped]) == (Verdict.SKIPPED, "order: not promised")
        assert summed_up([]) == (Verdict.INCONCLUSIVE, "")
