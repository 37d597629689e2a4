"""Reports: one record of a run, told as JSON, as a page and as a table."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from harness.reports.files import write_atomically
from harness.reports.html import render_html, write_html
from harness.reports.lanes import lanes
from harness.reports.record import RowResult, RunRecord, read_results, write_results
from harness.reports.terminal import show_run
from harness.reports.verdicts import write_verdicts
from harness.reports.words import closing, duration, measured
from harness.verdict import Finding, Judgement, Verdict

LOST = Finding(
    "no-loss", "not_stored", "Message 'a' was lost.", ({"t": 1, "content": "<script>alert(1)</script>"},)
)


def row(id_: str, verdict: Verdict = Verdict.PASS, **changes: object) -> RowResult:
    fields: dict[str, object] = {
        "title": "A row & its title",
        "section": "message-flow",
        "seconds": 1.5,
        "judgements": (Judgement("no-loss", Verdict.PASS, evidence={"acked": 3}),),
    }
    return RowResult(id_, verdict=verdict, **(fields | changes))  # type: ignore[arg-type]


FAILED = row(
    "ERR-02",
    Verdict.FAIL,
    section="errors",
    reason="no-loss: Message 'a' was lost.",
    judgements=(
        Judgement("no-loss", Verdict.FAIL, LOST.sentence, (LOST,), {"findings": {"not_stored": 41}}),
        Judgement("on-time", Verdict.INCONCLUSIVE, "nothing could be timed"),
    ),
)


def run_of(*rows: RowResult, verdict: Verdict = Verdict.PASS, **changes: object) -> RunRecord:
    fields: dict[str, object] = {
        "exit_code": 0,
        "seed": 42,
        "started_at": "2026-01-01T12:00:00+00:00",
        "seconds": 65.0,
        "environment": {"redis": {"version": "8.2.3", "origin": "PATH"}},
        "target": "reference",
    }
    return RunRecord(verdict=verdict, rows=rows, **(fields | changes))  # type: ignore[arg-type]


BAD = run_of(row("FLOW-01", latencies_s=[0.5, 1.0, 2.5]), FAILED, verdict=Verdict.FAIL, exit_code=1)


def shown(run: RunRecord, width: int = 80) -> str:
    file = io.StringIO()
    show_run(run, Console(file=file, width=width, no_color=True))
    return file.getvalue()


def test_a_promise_has_the_worst_verdict_of_its_rows_and_counts_every_finding() -> None:
    no_loss, on_time = BAD.promises.values()
    assert (no_loss.verdict, no_loss.rows, no_loss.findings) == (Verdict.FAIL, 2, 41)
    assert (on_time.verdict, on_time.rows, on_time.findings) == (Verdict.INCONCLUSIVE, 1, 0)


def test_results_can_be_read_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "results.json"
    write_results(BAD, path)
    again = read_results(path)
    assert again.promises == BAD.promises
    assert again.rows[1] == FAILED
    assert render_html(again) == render_html(BAD)
    document = json.loads(path.read_text(encoding="utf-8"))
    assert (document["verdict"], document["exit_code"], document["seed"]) == ("fail", 1, 42)
    assert document["promises"]["no-loss"]["verdict"] == "fail"
    assert document["rows"][1]["findings"][0]["kind"] == "not_stored"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Expecting value"),
        ("\ufeff{}", "BOM"),
        ("[" * 100_000, "nested too deeply"),
        ("null", "expected `object`, got `null`"),
        ("[]", "expected `object`, got `array`"),
        ('{"format": 99}', "enum value 99 at `format`; legal are 2"),
        ('{"format": 1}', "enum value 1 at `format`; legal are 2"),
        ('{"format": 2}', "missing required field `verdict`"),
    ],
)
def test_what_is_no_results_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(text, encoding="utf-8")
    assert said in _refused(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"verdict": "perhaps"}, "'perhaps' at `verdict`; legal are fail, inconclusive, pass, skipped"),
        ({"seed": 1.5}, "expected `int`, got `float` at `seed`"),
        ({"seed": "a\nb"}, "expected `int`, got `str` at `seed`"),
        (
            {"a\nb": 1},
            r"unknown field `a\nb`; legal are asked, command, delivered_within_s, environment,",
        ),
        ({"rows": [{"id": "A-01"}]}, "missing required field `title` at `rows[0]`"),
        ({"environment": {"redis": "8"}}, "expected `object`, got `str` at `environment.redis`"),
    ],
)
def test_a_results_file_that_was_changed_is_refused(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    path = tmp_path / "results.json"
    write_results(BAD, path)
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(document | change), encoding="utf-8")
    assert said in _refused(path)


def test_where_a_results_file_is_wrong_is_told_down_to_the_finding(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_results(BAD, path)
    document = json.loads(path.read_text(encoding="utf-8"))
    document["rows"][1]["judgements"][0]["findings"][0]["colour"] = "red"
    path.write_text(json.dumps(document), encoding="utf-8")
    place = "at `rows[1].judgements[0].findings[0]`; legal are events, kind,"
    assert f"unknown field `colour` {place}" in _refused(path)
    document["rows"][1]["judgements"][0] = {
        "promise": "x",
        "verdict": "pass",
        "evidence": {"findings": {"a": ""}},
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    assert "unsupported operand" in _refused(path), "a count that is not a number"


def test_a_results_file_without_its_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_results(BAD, path)
    document = json.loads(path.read_text(encoding="utf-8"))
    del document["format"]
    path.write_text(json.dumps(document), encoding="utf-8")
    assert "missing required field `format`" in _refused(path)


def test_both_files_say_in_which_format_a_finding_is_written(tmp_path: Path) -> None:
    found = Finding("no-loss", "not_stored", "Message 'a' was lost.", suspected_cause="an emptied Redis")
    failed = row("ERR-02", Verdict.FAIL, judgements=(Judgement("no-loss", Verdict.FAIL, "lost", (found,)),))
    write_results(run_of(failed, verdict=Verdict.FAIL), tmp_path / "results.json")
    write_verdicts([failed], Verdict.FAIL, tmp_path / "verdicts.json")
    for name in ("results.json", "verdicts.json"):
        document = json.loads((tmp_path / name).read_text(encoding="utf-8"))
        (written,) = document["rows"][0]["judgements"][0]["findings"]
        assert document["format"] == 2
        assert written.keys() == {"promise", "kind", "sentence", "events", "suspected_cause"}


def test_what_json_has_no_word_for_is_written_as_text(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_results(run_of(row("A-01", measured={"folder": Path("a"), "name": "\udcff"})), path)
    assert read_results(path).rows[0].measured == {"folder": "a", "name": "\udcff"}


def _refused(path: Path) -> str:
    """The end of the one sentence that a file is refused with."""
    with pytest.raises(ValueError, match="is not the results of a run") as caught:
        read_results(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_report_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    write_atomically(path, "old")

    def full(self: Path, target: Path) -> Path:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        write_atomically(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path], "no half of a report is left behind"


def test_a_name_that_is_not_utf_8_can_be_reported(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_atomically(path, json.dumps({"log": "a\udcff"}, ensure_ascii=False))
    assert json.loads(path.read_bytes()) == {"log": "a\udcff"}


def test_the_page_stands_alone_and_shows_what_was_found(tmp_path: Path) -> None:
    write_html(BAD, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Fail: of 2 rows, 1 failed (ERR-02)." in page
    assert "Message &#39;a&#39; was lost." in page
    assert "The first of 41 findings" in page
    assert "8.2.3" in page
    assert not re.search(r"""(src|href)=["'](?!#)""", page), "nothing is loaded from elsewhere"


def test_what_users_wrote_is_inert_in_the_page() -> None:
    page = render_html(BAD)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_page_of_an_empty_run_says_so() -> None:
    assert "Inconclusive: no row was run." in render_html(run_of(verdict=Verdict.INCONCLUSIVE))


def test_lanes_put_every_delivery_on_one_side_of_the_promised_time() -> None:
    drawn = lanes(run_of(row("FLOW-01", latencies_s=[0.0, 1.0, 2.0, 2.0001, 7.3])))
    assert drawn is not None
    (lane,) = drawn.lanes
    assert sum(bar.count for bar in lane.bars) == 5
    assert sum(bar.count for bar in lane.bars if bar.late) == lane.late == 2
    assert all(bar.late == (bar.x + bar.width / 2 > drawn.bound_x) for bar in lane.bars)
    assert all(bar.x >= 0 and bar.x + bar.width <= 100 for bar in lane.bars)


def test_without_timed_deliveries_there_are_no_lanes() -> None:
    assert lanes(run_of(row("FLOW-01"))) is None


def test_the_terminal_shows_every_row_within_80_columns_without_colour() -> None:
    text = shown(BAD)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text
    for word in ("FLOW-01", "ERR-02", "pass", "fail", "inconclusive", "Fail: of 2 rows, 1 failed (ERR-02)."):
        assert word in text


def test_a_row_shows_what_it_measured_or_why_it_did_not_pass_below_it() -> None:
    path = "/var/folders/" + "x" * 60 + "/report-of-the-run/server.log"
    reason = f"the harness could not write {path} while\nthe row \x1b[31mran, so that nothing was proved"
    failed = row("ERR-02", Verdict.INCONCLUSIVE, reason=reason, seconds=123.4)
    passed = row(
        "LONGER-01", title="A title " + "of many words " * 6, measured={"sent": 3, "poll_p95_ms": 1.5}
    )
    lines = shown(run_of(passed, failed)).splitlines()
    assert lines[1:9] == [
        "LONGER-01  pass             1.5 s  A title of many words of many words of many",
        "                                   words of many words of many words of many",
        "                                   words",
        "           sent 3, poll p95 1.5 ms",
        "ERR-02     inconclusive   123.4 s  A row & its title",
        "           the harness could not write",
        f"           {path}",
        r"           while\nthe row \x1b[31mran, so that nothing was proved",
    ]


def test_each_promise_of_a_failed_row_begins_a_line() -> None:
    verdicts = {"no-loss": Verdict.FAIL, "order": Verdict.PASS, "cursor": Verdict.FAIL}
    failed = row(
        "ERR-02",
        Verdict.FAIL,
        reason="no-loss: 'a; b: c' was lost; and more; cursor: it passed 'a'",
        judgements=tuple(Judgement(promise, verdict) for promise, verdict in verdicts.items()),
    )
    assert shown(run_of(failed, verdict=Verdict.FAIL)).splitlines()[2:4] == [
        "           no-loss: 'a; b: c' was lost; and more",
        "           cursor: it passed 'a'",
    ]


def test_markup_in_a_reason_is_only_text() -> None:
    assert "[red]x[/red] [/nope]" in shown(
        run_of(row("A-01", Verdict.FAIL, reason="[red]x[/red] [/nope]")), 120
    )


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        (run_of(row("A-01")), "Pass: the one row kept every promise."),
        (run_of(row("A-01"), row("A-02"), row("A-03")), "Pass: all 3 rows kept every promise."),
        (
            run_of(row("A-01", Verdict.SKIPPED), row("A-02"), verdict=Verdict.SKIPPED),
            "Skipped: of 2 rows, 1 skipped (A-01).",
        ),
        (run_of(row("A-01"), verdict=Verdict.INCONCLUSIVE), "Inconclusive: the run did not finish."),
        (
            run_of(row("A-01", Verdict.INCONCLUSIVE, reason="interrupted"), verdict=Verdict.INCONCLUSIVE),
            "Inconclusive: the run was interrupted; of 1 row, 1 could not be judged (A-01).",
        ),
    ],
)
def test_the_closing_sentence(run: RunRecord, sentence: str) -> None:
    assert closing(run) == sentence


def test_what_was_measured_is_told_with_its_units() -> None:
    told = measured(
        row("A-01", measured={"poll_p95_ms": 12.34567, "sent": 3, "drained": True, "delay_max_s": None})
    )
    assert told == "poll p95 12.35 ms, sent 3, drained yes, delay max –"
    assert measured(row("A-01", latencies_s=[1.0])) == "1 delivery: p50 1.00 s, p95 1.00 s, max 1.00 s"


def test_durations_are_for_people() -> None:
    assert [duration(8.24), duration(59.99), duration(125)] == ["8.2 s", "60.0 s", "2 min 05 s"]


def test_a_run_of_many_rows_ends_with_those_that_took_longest() -> None:
    rows = [row(f"A-{number:02}", seconds=10.0 * number % 70) for number in range(1, 12)]
    assert (
        shown(run_of(*rows)).splitlines()[-1]
        == "Longest: A-06 60 s, A-05 50 s, A-04 40 s, A-11 40 s, A-03 30 s."
    )
    assert "Longest" not in shown(run_of(*rows[:10]))
