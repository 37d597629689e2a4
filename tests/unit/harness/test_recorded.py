"""Which acked messages have not arrived, though several may say the same."""

from __future__ import annotations

from harness.run.recorded import Acked, missing_of


def test_of_two_that_say_the_same_the_one_whose_id_did_not_arrive_is_missing() -> None:
    acked = [Acked("1", "ok"), Acked("2", "ok")]
    assert missing_of(acked, [frozenset({"2", "ok"})]) == [acked[0]]
    assert missing_of(acked, [frozenset({"2", "ok"}), frozenset({"1", "ok"})]) == []


def test_an_id_that_another_message_quotes_has_not_arrived() -> None:
    acked = [Acked("1", "hello"), Acked("2", "1")]
    assert missing_of(acked, [frozenset({"2", "1"})]) == [acked[0]]


def test_without_ids_each_message_needs_a_text_of_its_own() -> None:
    acked = [Acked(None, "ok"), Acked(None, "ok")]
    assert missing_of(acked, [frozenset({"1", "ok"})]) == [acked[1]]
    assert missing_of(acked, [frozenset({"1", "ok"}), frozenset({"2", "ok"})]) == []
    assert missing_of(acked, []) == acked


def test_what_arrived_with_another_content_is_still_missing() -> None:
    acked = [Acked("1", "hello")]
    assert missing_of(acked, [frozenset({"1", "HELLO"})]) == acked
