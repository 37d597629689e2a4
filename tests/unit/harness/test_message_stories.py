"""What a click on a message of the report shows: its events, as far as there is room for them."""

from __future__ import annotations

import itertools
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.history import History
from harness.reports.fate_plot import Place, fate_plot
from harness.reports.html import PAGE_BYTES, render_html
from harness.reports.message_stories import message_stories
from harness.reports.record import RowResult, RunRecord, Timeline
from harness.runner.message_events import message_events
from harness.verdict import Verdict

NS = 1_000_000_000
BEGIN = {
    "kind": "begin",
    "row": "A-01",
    "t": 0,
    "bounds": {"poll_interval_s": 2.0, "delivered_within_s": 2.0, "answers_within_s": 1.0},
}


def send(op: int, at_s: float, **fields: Any) -> list[dict[str, Any]]:
    call = {
        **{"kind": "send", "row": "A-01", "t": int(at_s * NS), "op": op, "intended": int(at_s * NS)},
        **{"sender": "alice", "recipient": "bob", "content": f"hello {op}", "client_message_id": f"c-{op}"},
    }
    answer = {
        **{"kind": "sent", "row": "A-01", "t": int(at_s * NS) + 1, "op": op},
        **{"outcome": "ok", "status": 200, "id": f"id-{op}", "seq": op},
    }
    return [call | fields, answer]


def poll(op: int, at_s: float, *received: int) -> dict[str, Any]:
    messages = [
        {"id": f"id-{it}", "seq": it, "sender": "alice", "recipient": "bob", "content": f"hello {it}"}
        | {"timestamp": None, "client_message_id": f"c-{it}"}
        for it in received
    ]
    asked = {"consumer": "bob#1", "reader": "bob", "intended": int(at_s * NS), "start": int(at_s * NS)}
    answer = {"outcome": "ok", "status": 200, "messages": messages, "next_since": str(op)}
    return {"kind": "poll", "row": "A-01", "t": int(at_s * NS) + 1, "op": op, **asked, **answer}


def fault(phase: str, at_s: float) -> dict[str, Any]:
    return {
        **{"kind": "fault", "row": "A-01", "t": int(at_s * NS)},
        **{"name": "redis_refused", "store": "redis", "phase": phase},
    }


HISTORY = History.from_events(
    [
        BEGIN,
        *send(1, 1.0),
        fault("inject", 1.5),
        poll(2, 2.0),
        fault("healed", 2.5),
        poll(3, 4.0, 1),
        poll(4, 6.0, 1),
        poll(5, 8.0, 1),
        *send(6, 9.0),
        poll(7, 10.0),
        poll(8, 12.0),
        poll(9, 14.0),
    ]
)


def test_a_message_is_told_from_its_send_to_its_first_two_deliveries_with_the_faults_meanwhile() -> None:
    told = [(event["kind"], event.get("phase") or event.get("op")) for event in message_events(HISTORY, 1)]
    assert told == [
        *[("send", 1), ("sent", 1), ("fault", "inject"), ("fault", "healed")],
        *[("poll", 3), ("poll", 4)],
    ]


def test_a_message_that_never_arrived_is_told_with_the_polls_that_should_have_returned_it() -> None:
    assert [event["op"] for event in message_events(HISTORY, 6)] == [6, 6, 7, 8]


def test_an_operation_that_sent_nothing_has_no_events() -> None:
    assert message_events(HISTORY, 3) == ()


def run_of(fates: str) -> RunRecord:
    at_s = [1.0 + number for number in range(len(fates))]
    timeline = Timeline(0.0, 20.0, at_s, [None] * len(fates), fates, ops=[1] * len(fates))
    row = RowResult("A-01", "A row", "s", Verdict.PASS, 1.0, timelines=(timeline,))
    return RunRecord(Verdict.PASS, 0, 7, "2026-01-01T00:00:00+00:00", 9.0, (row,), {}, "mine")


def events_of(_: Place) -> tuple[dict[str, Any], ...]:
    return message_events(HISTORY, 1)


def test_the_page_links_each_message_to_its_events_and_those_of_one_fate_to_each_other() -> None:
    page = render_html(run_of("dxx"), events_of=events_of)
    links = set(re.findall(r'href="#(m-[^"]+)"', page))
    assert links == set(re.findall(r'<article id="(m-[^"]+)"', page)) == {f"m-A-01-0-{n}" for n in range(3)}
    assert 'href="#m-A-01-0-2">next' in page
    assert 'href="#m-A-01-0-1">‹ previous' in page
    assert "fault: name redis_refused, phase inject" in page
    assert "<script" not in page


def test_without_a_history_the_page_has_no_such_links() -> None:
    assert 'href="#m-' not in render_html(run_of("dxx"))


def test_the_page_of_a_run_of_many_messages_stays_small_and_tells_the_rare_ones() -> None:
    page = render_html(run_of("d" * 30_000 + "x"), events_of=events_of)
    assert len(page.encode()) < PAGE_BYTES
    assert 'id="m-A-01-0-30000"' in page


def test_stories_stop_where_the_room_ends() -> None:
    run = run_of("x" * 9)
    plot = fate_plot(run.rows, with_faults=False)
    assert plot is not None
    whole = message_stories(run, [plot], events_of, 1_000_000)
    assert len(whole) == 9
    assert 0 < len(message_stories(run, [plot], events_of, 3_500)) < 9
    assert message_stories(run, [plot], events_of, -1) == {}


@pytest.mark.parametrize(
    ("fields", "pattern"),
    [
        ({}, "grep -F c-1 history.jsonl"),
        ({"client_message_id": "it's"}, """grep -F 'it'"'"'s' history.jsonl"""),
        ({"client_message_id": None}, "grep -F id-1 history.jsonl"),
    ],
)
def test_a_message_comes_with_the_command_that_finds_its_lines(fields: dict[str, Any], pattern: str) -> None:
    assert _command(send(1, 1.0, **fields)) == pattern


def test_a_message_without_a_name_is_found_by_its_operation(tmp_path: Path) -> None:
    call, answer = send(1, 1.0, client_message_id=None)
    command = _command([call, answer | {"id": None}])
    lines = (
        '{"row":"A-01","kind":"send","t":1,"op":1,"x":0}\n{"row":"A-01","kind":"send","t":1,"op":11,"x":0}\n'
    )
    (tmp_path / "history.jsonl").write_text(lines, encoding="utf-8")
    found = subprocess.run(
        shlex.split(command), cwd=tmp_path, capture_output=True, encoding="utf-8", check=True
    )
    assert found.stdout.splitlines() == lines.splitlines()[:1]


def _command(events: list[dict[str, Any]]) -> str:
    run = run_of("x")
    plot = fate_plot(run.rows, with_faults=False)
    assert plot is not None
    (story,) = message_stories(run, [plot], lambda _: events, 10_000).values()
    return story.command


def test_each_fate_has_a_message_to_open_before_one_has_two() -> None:
    run = run_of("uuuuuuuuc")
    plot = fate_plot(run.rows, with_faults=False)
    assert plot is not None
    assert {place.message for place in itertools.islice(plot.places(), 2)} == {0, 8}
