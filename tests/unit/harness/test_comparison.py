"""What got better or worse between two runs."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest

from harness.arithmetic import quantile_interval
from harness.cli.command_line import main
from harness.reports.comparison import Comparison, Move, compare
from harness.reports.comparison_html import comparison_html
from harness.reports.comparison_pages import as_json, closing, markdown, text_lines
from harness.reports.record import RowResult, RunRecord, write_results
from harness.verdict import Finding, Judgement, Verdict, worst


def judged(verdict: Verdict, *kinds: str) -> Judgement:
    findings = tuple(Finding("no-loss", kind, "Lost.") for kind in kinds)
    return Judgement("no-loss", verdict, "why" if verdict is not Verdict.PASS else "", findings)


def row(
    verdict: Verdict = Verdict.PASS, *kinds: str, id_: str = "A-01", delays: list[float] | None = None
) -> RowResult:
    return RowResult(
        id_,
        "A row | with a bar",
        "s",
        verdict,
        1.0,
        judgements=(judged(verdict, *kinds),),
        latencies_s=delays or [],
    )


def run(*rows: RowResult) -> RunRecord:
    verdict = worst(row.verdict for row in rows)
    return RunRecord(verdict, 0, 1, "2026-01-01T00:00:00+00:00", 9.0, rows, {}, "reference")


def moves(comparison: Comparison, kind: str) -> list[tuple[str, Move]]:
    return [(one.name, one.move) for one in comparison.changes if one.kind == kind]


PASS, FAIL, OPEN, SKIPPED = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.SKIPPED


@pytest.mark.parametrize(
    ("before", "after", "move", "code"),
    [
        (PASS, PASS, Move.SAME, PASS),
        (PASS, FAIL, Move.WORSE, FAIL),
        (PASS, OPEN, Move.UNSURE, OPEN),
        (PASS, SKIPPED, Move.UNSURE, OPEN),
        (FAIL, PASS, Move.BETTER, PASS),
        (FAIL, FAIL, Move.SAME, PASS),
        (FAIL, OPEN, Move.UNSURE, OPEN),
        (OPEN, FAIL, Move.WORSE, FAIL),
        (OPEN, PASS, Move.BETTER, PASS),
        (OPEN, SKIPPED, Move.SAME, PASS),
    ],
)
def test_a_verdict_that_changed(before: Verdict, after: Verdict, move: Move, code: Verdict) -> None:
    found = compare(run(row(before)), run(row(after)))
    assert moves(found, "row") == [("A-01 A row | with a bar", move)]
    assert moves(found, "promise") == [("no-loss", move)]
    assert found.verdict is code


def test_a_new_kind_of_finding_is_worse_though_the_row_failed_before() -> None:
    found = compare(run(row(FAIL, "lost")), run(row(FAIL, "lost", "late")))
    assert moves(found, "finding") == [("no-loss: late", Move.WORSE), ("no-loss: lost", Move.SAME)]
    assert found.verdict is FAIL


def test_a_kind_of_finding_that_is_gone_is_better_only_where_that_was_decided() -> None:
    assert moves(compare(run(row(FAIL, "lost")), run(row())), "finding") == [("no-loss: lost", Move.BETTER)]
    assert moves(compare(run(row(FAIL, "lost")), run(row(OPEN))), "finding") == [
        ("no-loss: lost", Move.UNSURE)
    ]


def test_rows_that_only_one_run_has_are_named_and_not_compared() -> None:
    found = compare(run(row(), row(FAIL, id_="A-02")), run(row(), row(FAIL, id_="A-03")))
    assert (found.only_before, found.only_after, found.verdict) == (("A-02",), ("A-03",), PASS)
    assert "Not compared, as only the second run has them: A-03." in [text for text, _ in text_lines(found)]


def test_runs_without_a_common_row_are_not_compared() -> None:
    with pytest.raises(ValueError, match="no row in common"):
        compare(run(row()), run(row(id_="B-01")))


def uniform(seed: int, shift_s: float = 0.0, count: int = 2000) -> list[float]:
    source = random.Random(seed)
    return [source.uniform(0, 2) + shift_s for _ in range(count)]


def test_delays_move_beyond_their_noise_only() -> None:
    same = [
        move
        for seed in range(0, 200, 2)
        for _, move in moves(
            compare(run(row(delays=uniform(seed))), run(row(delays=uniform(seed + 1)))), "delivery"
        )
    ]
    assert set(same) == {Move.SAME}
    slower = compare(run(row(delays=uniform(1))), run(row(delays=uniform(2, 0.3))))
    assert moves(slower, "delivery") == [("p50", Move.WORSE), ("p95", Move.WORSE)]
    faster = compare(run(row(delays=uniform(2, 0.3))), run(row(delays=uniform(1))))
    assert moves(faster, "delivery") == [("p50", Move.BETTER), ("p95", Move.BETTER)]


def test_a_change_that_nobody_could_see_is_none_however_sure_it_is() -> None:
    found = compare(run(row(delays=[0.1] * 5000)), run(row(delays=[0.12] * 5000)))
    assert {move for _, move in moves(found, "delivery")} == {Move.SAME}


def test_the_interval_of_a_quantile_has_the_true_one_in_it() -> None:
    missed = 0
    for seed in range(300):
        low, value, high = quantile_interval(sorted(uniform(seed, count=400)), 95)
        assert low <= value <= high
        missed += not low <= 1.9 <= high
    assert missed <= 3
    assert quantile_interval([1.0], 50) == (1.0, 1.0, 1.0)


def test_the_closing_sentence_counts_what_moved() -> None:
    assert closing(compare(run(row()), run(row()))) == "Nothing got better or worse."
    found = compare(run(row(), row(id_="A-02")), run(row(FAIL, "lost"), row(id_="A-02")))
    assert closing(found) == "1 row, 1 promise and 1 kind of finding got worse."


def test_markdown_shows_what_moved_and_no_cell_breaks_out() -> None:
    text = markdown(compare(run(row()), run(row(FAIL, "lost"))))
    assert r"| row | A-01 A row \| with a bar | pass | fail | **worse** |" in text
    assert text.startswith("**1 row, 1 promise and 1 kind of finding got worse.**\n")


def test_json_has_what_is_the_same_too() -> None:
    document = json.loads(as_json(compare(run(row()), run(row()))))
    assert [change["move"] for change in document["changes"]] == ["same", "same"]
    assert (document["format"], document["verdict"]) == (1, "pass")


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    for name, one in (("before", run(row())), ("after", run(row(FAIL, "lost")))):
        write_results(one, tmp_path / name / "results.json")
    return [str(tmp_path / "before"), str(tmp_path / "after" / "results.json")]


def test_the_command_ends_with_1_where_something_got_worse(
    folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *folders]) == 1
    assert "got worse" in capsys.readouterr().out
    assert main(["compare", *reversed(folders)]) == 0
    assert main(["compare", *folders, "--format", "json"]) == 1


def test_the_command_writes_a_file(folders: list[str], tmp_path: Path) -> None:
    assert (
        main(["compare", *folders, "--format", "markdown", "--output", str(tmp_path / "new" / "c.md")]) == 1
    )
    assert "worse" in (tmp_path / "new" / "c.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["missing", "before"])
def test_what_cannot_be_read_is_one_sentence_and_2(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / "before" / "results.json").write_text("{", encoding="utf-8")
    assert main(["compare", str(tmp_path / name), folders[1]]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / name) in line


def test_the_page_stands_alone_and_shows_both_sides() -> None:
    found = compare(run(row(delays=uniform(1)), row(id_="B-01")), run(row(FAIL, "lost", delays=uniform(2))))
    page = comparison_html(found)
    assert "<h1>1 row, 1 promise and 1 kind of finding got worse.</h1>" in page
    assert '<span class="move worse">worse</span>' in page
    assert "only the first run has them: B-01" in page
    assert "Before: 2000 deliveries" in page
    assert not re.search(r"""(src|href)=["'](?!#)|<script""", page), "nothing is loaded or run"


def test_names_are_inert_in_the_page() -> None:
    evil = RowResult("A-01", "</script><b>x</b>", "s", FAIL, 1.0, judgements=(judged(FAIL, "<i>lost</i>"),))
    page = comparison_html(compare(run(row()), run(evil)))
    assert "<b>x" not in page
    assert "<i>lost" not in page


def test_the_command_writes_html(tmp_path: Path) -> None:
    for name, one in (("a", row()), ("b", row(FAIL, "lost"))):
        write_results(run(one), tmp_path / name / "results.json")
    words = ["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--format", "html"]
    assert main([*words, "--output", str(tmp_path / "page.html")]) == 1
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
