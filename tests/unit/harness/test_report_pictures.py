"""What the report draws: fates, the matrix, the delivery curve, sequence diagrams, stories."""

from __future__ import annotations

import re

import pytest

from harness.checkers import CLIENT_PROMISES, PROMISES
from harness.reports.delivery_curve import HEIGHT, WIDTH, delivery_curve
from harness.reports.fate_plot import (
    COLUMNS,
    DOT,
    MOST_DOTS,
    MOST_MARKS,
    TALLEST_MARKS,
    FatePlot,
    Place,
    fate_plot,
)
from harness.reports.html import render_html
from harness.reports.plain_words import IN_PLAIN_WORDS
from harness.reports.promise_matrix import promise_matrix
from harness.reports.record import FaultBand, RowResult, RunRecord, Timeline
from harness.reports.sequence import sequence
from harness.reports.stories import stories
from harness.verdict import Finding, Judgement, Verdict, worst


def timeline(fates: str, *, begin_s: float = 0.0, faults: tuple[FaultBand, ...] = ()) -> Timeline:
    at_s = [float(number) for number in range(len(fates))]
    return Timeline(
        begin_s, float(len(fates)), at_s, [0.5 if fate in "dl2c" else None for fate in fates], fates, faults
    )


def plotted(*timelines: Timeline, with_faults: bool = True) -> FatePlot:
    plot = fate_plot([row("A-01", timelines=timelines)], with_faults=with_faults)
    assert plot is not None
    return plot


def dots(plot: FatePlot) -> dict[str, int]:
    """Return how many dots of each fate are drawn: a line of so many cells' lengths has one more."""
    lengths = {one.fate: re.findall(r"v-([\d.]+)", one.path) for one in plot.dots}
    return {fate: sum(int(float(length) // DOT) + 1 for length in some) for fate, some in lengths.items()}


def row(id_: str, *judgements: Judgement, section: str = "s", **fields: object) -> RowResult:
    verdict = worst(one.verdict for one in judgements)
    return RowResult(id_, f"Title of {id_}", section, verdict, 1.0, judgements=judgements, **fields)  # type: ignore[arg-type]


def run(*rows: RowResult) -> RunRecord:
    verdict = worst(one.verdict for one in rows)
    return RunRecord(verdict, 1, 7, "2026-01-01T00:00:00+00:00", 9.0, rows, {}, "mine", command="harness run")


PASSED = Judgement("no-loss", Verdict.PASS, evidence={"acked": 3, "by kind": {"a": 1}})
SEND = {
    "kind": "send",
    "t": 1_000_000_000,
    "op": 1,
    "sender": "alice",
    "recipient": "bob",
    "content": "<b>hi</b>",
}
SENT = {"kind": "sent", "t": 1_010_000_000, "op": 1, "outcome": "ok", "status": 200, "id": "m1", "seq": 4}
POLL = {
    "kind": "poll",
    "t": 3_000_000_000,
    "start": 2_500_000_000,
    "op": 2,
    "consumer": "bob#1",
    "outcome": "ok",
    "messages": [{"seq": 5}],
    "next_since": "later",
}
LOST = Finding("no-loss", "not_stored", "Message 'm1' was lost.", (SEND, SENT, POLL), "late visibility")
FAILED = Judgement(
    "no-loss", Verdict.FAIL, LOST.sentence, (LOST,), {"findings": {"not_stored": 41}, "acked": 3}
)


def test_each_message_is_a_dot_or_a_mark() -> None:
    plot = plotted(timeline("dddrncxl2u"))
    assert dots(plot) == {"d": 3, "r": 1, "n": 1, "c": 1}
    assert sorted(mark.fate for mark in plot.marks) == ["2", "l", "u", "x"]
    assert [(fate, count) for fate, _, count in plot.rare] == [("l", 1), ("x", 1), ("2", 1), ("u", 1)]
    assert plot.per_dot == 1


def test_of_many_messages_a_dot_stands_for_several_and_no_mark_is_hidden_by_it() -> None:
    crowd = Timeline(0.0, 1.0, [0.5] * 1001, [0.1] * 1001, "d" * 1000 + "x")
    plot = plotted(crowd)
    assert plot.per_dot == 1000 // MOST_DOTS
    assert dots(plot) == {"d": MOST_DOTS}
    (mark,) = plot.marks
    (bottom, length) = re.findall(r"M\d+ (\d+)v-([\d.]+)", plot.dots[0].path)[0]
    assert mark.y < float(bottom) - float(length)


def test_marks_beyond_a_bound_are_counted() -> None:
    plot = plotted(timeline("x" * (MOST_MARKS + 7)))
    assert plot.rare == (("x", "lost", MOST_MARKS + 7),)
    assert len(plot.marks) + plot.left_out == MOST_MARKS + 7
    assert len({mark.x for mark in plot.marks}) == COLUMNS, "no moment is left out"


def test_where_nearly_all_is_lost_the_plot_stays_low_and_each_fate_has_a_mark() -> None:
    plot = plotted(Timeline(0.0, 1.0, [0.5] * 1000, [None] * 1000, "d" * 10 + "x" * 980 + "u" * 10))
    assert plot.height <= DOT * (MOST_DOTS + TALLEST_MARKS)
    assert {mark.fate for mark in plot.marks} == {"x", "u"}
    assert {fate: count for fate, _, count in plot.rare} == {"x": 980, "u": 10}


def test_a_click_leads_to_every_mark_and_to_the_first_message_of_each_stack_of_dots() -> None:
    crowd = Timeline(0.0, 1.0, [0.5, 0.4, 0.3], [0.1] * 3, "ddx")
    plot = fate_plot(
        [row("A-01", timelines=(timeline("d"), crowd)), row("A-02", timelines=(timeline("x"),))],
        with_faults=False,
    )
    assert plot is not None
    assert set(plot.places()) == {
        Place("A-01", 0, 0),
        Place("A-01", 1, 2),
        Place("A-01", 1, 1),
        Place("A-02", 0, 0),
        *([Place("A-01", 1, 0)] if len(plot.stacks) == 3 else []),
    }
    assert sum(stack.count for stack in plot.stacks) == 3


def test_everything_is_within_the_picture() -> None:
    plot = plotted(timeline("dx" * 50, begin_s=100.0, faults=(FaultBand("redis refused", 3.0, None),)))
    for mark in plot.marks:
        assert 0 <= mark.x <= COLUMNS * DOT
        assert 0 <= mark.y <= plot.height
    (band,) = plot.bands
    assert 0 <= band.x < band.x + band.width <= COLUMNS * DOT
    assert all(0 <= x <= COLUMNS * DOT for x, _ in plot.ticks)


def test_scenarios_stand_on_the_clock_of_the_run() -> None:
    plot = plotted(timeline("x"), timeline("x", begin_s=10.0))
    assert [mark.at_s for mark in plot.marks] == [0.0, 10.0]
    assert plot.marks[0].x < plot.marks[1].x


def test_without_messages_there_is_no_plot() -> None:
    assert fate_plot([], with_faults=True) is None
    assert fate_plot([row("A-01", timelines=(timeline(""),))], with_faults=True) is None


def test_the_curve_rises_to_all_and_its_bound_is_in_the_picture() -> None:
    curve = delivery_curve(run(row("A-01", PASSED, latencies_s=[0.5, 1.0, 1.5, 2.5])))
    assert curve is not None
    heights = [float(y) for y in re.findall(r" ([\d.]+)", curve.path)]
    assert heights[0] == HEIGHT
    assert heights[-1] == 0
    assert heights == sorted(heights, reverse=True)
    assert (curve.count, curve.late, curve.longest_s) == (4, 1, 2.5)
    assert 0 < curve.bound_x < WIDTH
    assert delivery_curve(run(row("A-01", PASSED))) is None


def test_the_matrix_has_a_cell_for_each_judged_promise_of_a_row() -> None:
    matrix = promise_matrix(
        run(row("A-01", PASSED), row("A-02", FAILED, section="t"), row("B-01", section="t"))
    )
    assert matrix is not None
    assert [(column.row.id, column.cells) for column in matrix.columns] == [
        ("A-01", ((0, Verdict.PASS),)),
        ("A-02", ((0, Verdict.FAIL),)),
    ]
    assert [section for _, section in matrix.sections] == ["s", "t"]
    assert promise_matrix(run(row("B-01"))) is None


def test_a_diagram_shows_who_said_what_in_the_order_of_time() -> None:
    diagram = sequence(LOST)
    assert diagram is not None
    assert [name for _, name in diagram.lifelines] == ["alice", "server", "bob#1"]
    assert [(arrow.at, arrow.whole) for arrow in diagram.arrows] == [
        ("0.000 s", "send to bob: '<b>hi</b>'"),
        ("0.010 s", "200, seq 4, id m1"),
        ("1.500 s", "poll from the beginning"),
        ("2.000 s", "1 message, seq 5, cursor later"),
    ]
    first, second, *_ = diagram.arrows
    assert (first.from_x, first.to_x) == (second.to_x, second.from_x)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (
            {"kind": "queue", "t": 1, "key": "messages:bob", "length": 1009},
            "queue: key messages:bob, length 1009",
        ),
        (
            {
                "kind": "attempt",
                "t": 2,
                "start": 1,
                "who": "eve",
                "what": "read",
                "expected": [401],
                "status": 403,
            },
            "403; expected 401",
        ),
        ({"kind": "sent", "t": 1, "op": 9, "outcome": "unknown", "error": "timeout"}, "timeout, unknown"),
        ({"kind": "poll", "t": 1, "reader": "bob", "outcome": "unknown", "status": 503}, "503, unknown"),
        ({"kind": "of a later version", "t": 1}, "of a later version: none"),
        (
            {
                **{"kind": "client_request", "t": 2, "start": 1, "client": "page1", "is_poll": True},
                **{
                    "since": None,
                    "status": 200,
                    "messages": ["m1", "m2"],
                    "script": "cut off",
                    "aborted": True,
                },
            },
            "200; messages m1, m2; made so: cut off; closed by the client",
        ),
        ({"kind": "client_request", "t": 2, "client": "page1", "method": "GET", "path": "/"}, "no answer"),
        ({"kind": "client_handed", "t": 2, "client": "page1", "id": "m1", "content": "hi"}, "shows 'hi'"),
        ({"kind": "client_told", "t": 2, "client": "", "did": "went offline"}, "went offline"),
    ],
)
def test_every_kind_of_event_can_be_drawn(event: dict[str, object], said: str) -> None:
    diagram = sequence(Finding("no-loss", "x", "X.", (event,)))
    assert diagram is not None
    assert diagram.arrows[-1].whole == said


def test_a_finding_without_events_has_no_diagram() -> None:
    assert sequence(Finding("no-loss", "x", "X.")) is None


def test_one_kind_of_finding_is_one_story_that_names_the_other_rows() -> None:
    (story,) = stories(run(row("A-01", FAILED), row("A-02", PASSED), row("A-03", FAILED)))
    assert (story.row.id, [other.id for other in story.also]) == ("A-01", ["A-03"])


def test_the_page_tells_the_story_of_a_failed_run() -> None:
    page = render_html(run(row("A-01", FAILED, timelines=(timeline("dx"),)), row("A-02", FAILED)))
    for words in (
        "The first of 41 findings",
        "the other person never got it",
        "suspected cause: late visibility",
        "harness run --only A-01 --jobs 1",
        'Found as well in <a href="#A-02">',
        "&lt;b&gt;hi&lt;/b&gt;",
        'class="diagram"',
    ):
        assert words in page
    assert "<b>hi</b>" not in page
    assert "{&#39;" not in page, "no dictionary of Python's is shown"


def test_a_page_of_a_whole_run_is_under_a_megabyte() -> None:
    evidence = {f"a number {number}": {"n": 100, "p50": 0.5, "p95": 1.5} for number in range(8)}
    judgements = [Judgement(f"promise-{n}", Verdict.PASS, evidence=evidence) for n in range(6)]
    delays = [number / 100 for number in range(200)]
    rows = [
        row(f"A-{n:03}", *judgements, timelines=(timeline("d" * 150, begin_s=n),), latencies_s=delays)
        for n in range(150)
    ]
    assert len(render_html(run(*rows)).encode()) < 1_000_000


def test_every_promise_is_told_in_plain_words() -> None:
    promises = {promise.name for promise in (*PROMISES, *CLIENT_PROMISES)}
    assert set(IN_PLAIN_WORDS) == promises


def test_numbers_that_follow_each_other_are_told_as_one() -> None:
    page = POLL | {"messages": [{"seq": seq} for seq in (1, 2, 3, 7, 8, 5, 11, 12, 13, 14, 13)]}
    diagram = sequence(Finding("no-loss", "x", "X.", (page,)))
    assert diagram is not None
    assert diagram.arrows[-1].whole == "11 messages, seq 1–3, 7, 8, 5, 11–14, 13, cursor later"
