"""Why a row failed, as the terminal tells it when the row ends."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from harness.reports.at_once import StoriesAtOnce
from harness.reports.plain_words import IN_PLAIN_WORDS
from harness.runner.results import Ended, Part, from_json, to_json
from harness.verdict import Finding, Judgement, Verdict

SEND = {
    "row": "A",
    "kind": "send",
    "t": 10**9,
    "op": 1,
    "sender": "舛迌臛" * 20,
    "recipient": "bob",
    "content": "hi",
}
SENT = {
    "row": "A",
    "kind": "sent",
    "t": 2 * 10**9,
    "op": 1,
    "outcome": "ok",
    "status": 201,
    "id": "m1",
    "seq": 1,
}


def broken(
    promise: str = "no-loss", kind: str = "stored_but_skipped", sentence: str = "m1 is lost"
) -> Judgement:
    finding = Finding(promise, kind, sentence, (SEND, SENT))
    return Judgement(promise, Verdict.FAIL, f"{sentence} (and 3 more)", (finding,))


def failed(row: str, *those: Judgement, reason: str = "") -> Ended:
    return Ended(row, "A row", Verdict.FAIL, 1.0, reason, those)


def told(stories: StoriesAtOnce, row: Ended, width: int = 80, again: str = "") -> list[str]:
    text = "\n".join(line.plain for line in stories.of(row, width, again=again))
    return [line.strip() for line in text.splitlines()]


def test_a_broken_promise_is_told_with_what_it_means_what_happened_and_how_to_repeat_it() -> None:
    lines = told(StoriesAtOnce(), failed("A", broken()), width=200, again="harness run --only A")
    assert lines == [
        f"no-loss: {IN_PLAIN_WORDS['no-loss']}",
        "m1 is lost (and 3 more)",
        f"0.000 s  {'舛迌臛' * 20} -> server: send to bob: 'hi'",
        f"1.000 s  server -> {'舛迌臛' * 20}: 201, seq 1, id m1",
        "Again: harness run --only A",
    ]


def test_a_kind_of_finding_is_told_once_and_the_others_of_a_row_in_a_sentence() -> None:
    stories = StoriesAtOnce()
    first = told(stories, failed("A", broken(), broken("order", "swapped", "m2 came first")), width=200)
    assert first[-1].startswith("order: Messages were shown in another order")
    assert not any("m2 came first" in line for line in first)
    assert told(stories, failed("B", broken())) == ["no-loss: as in A"]
    assert "m2 came first (and 3 more)" in told(
        stories, failed("C", broken("order", "swapped", "m2 came first"))
    )


def test_a_row_that_failed_by_its_own_expectation_says_which_one() -> None:
    assert told(StoriesAtOnce(), failed("A", reason="the page is empty")) == ["the page is empty"]


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.SKIPPED])
def test_of_a_row_that_did_not_fail_nothing_is_told(verdict: Verdict) -> None:
    assert StoriesAtOnce().of(Ended("A", "A row", verdict, 1.0, "a reason"), 80) == []


@pytest.mark.parametrize("width", [40, 80])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = StoriesAtOnce().of(failed("A", broken()), width)
    assert max(cell_len(line) for text in lines for line in text.plain.splitlines()) <= width


def test_what_was_found_travels_between_processes_with_the_end_of_a_phase() -> None:
    part = Part("A", Verdict.FAIL, 1.5, reason="m1 is lost", broken=(broken(),))
    assert from_json(to_json([part])) == [part]
