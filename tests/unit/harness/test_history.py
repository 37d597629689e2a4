"""Histories as files: written whole lines at a time, read back as what happened."""

from __future__ import annotations

import errno
import gc
import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from harness.errors import CannotWrite
from harness.history import (
    Bounds,
    Effect,
    FaultWindow,
    History,
    HistoryFile,
    Outcome,
    Recorder,
    read_histories,
)
from harness.history.gc_paused import gc_paused
from harness.history.history import HistoryBuilder
from harness.history.operations import line_of, written_ns

ALL = frozenset({Effect.ALL})


def recorder(file: io.BytesIO) -> Recorder:
    return Recorder(file, row="R-01", title="a row", seed=7, bounds=Bounds())


def sending(op: int = 1) -> dict[str, Any]:
    return {
        "op": op,
        "sender": "alice",
        "recipient": "bob",
        "content": "✉\u2028\x00\ud83d",
        "client_message_id": "c1",
        "intended": 5,
    }


def test_a_send_and_its_answer_become_one_operation() -> None:
    record = recorder(io.BytesIO())
    record.record("send", t=10, **sending())
    record.record(
        "sent", t=20, op=1, outcome=Outcome.OK, status=200, id="m", seq=3, timestamp="T", queued=True
    )
    history = record.history()
    (send,) = history.sends
    assert (send.start_ns, send.end_ns, send.outcome, send.id, send.seq) == (10, 20, Outcome.OK, "m", 3)
    assert (send.timestamp, send.queued, send.replayed) == ("T", True, False)
    assert [event["kind"] for event in send.events] == ["send", "sent"]


def test_a_send_without_an_answer_is_unknown() -> None:
    record = recorder(io.BytesIO())
    record.record("send", t=10, **sending())
    (send,) = record.history().sends
    assert (send.outcome, send.end_ns, send.status) == (Outcome.UNKNOWN, None, None)


def test_polls_are_in_the_order_of_their_start_and_grouped_by_consumer() -> None:
    record = recorder(io.BytesIO())
    for op, (consumer, start, end) in enumerate([("b#1", 30, 90), ("b#2", 20, 40), ("b#1", 10, 25)]):
        record.record(
            "poll", t=end, op=op, consumer=consumer, reader="b", intended=start, start=start, outcome="ok"
        )
    history = record.history()
    assert [poll.start_ns for poll in history.polls] == [10, 20, 30]
    assert {consumer: [poll.op for poll in polls] for consumer, polls in history.consumers().items()} == {
        "b#1": [2, 0],
        "b#2": [1],
    }
    assert history.polls[0].wait_s == 0


def test_a_fault_injected_twice_has_two_windows() -> None:
    record = recorder(io.BytesIO())
    phases = [("inject", 1), ("active", 2), ("heal", 3), ("healed", 4), ("inject", 5), ("active", 6)]
    for phase, at in phases:
        record.record("fault", t=at, name="redis refused", store="redis", phase=phase)
    assert record.history().faults == (
        FaultWindow("redis refused", "redis", 1, 2, 3, 4, ALL),
        FaultWindow("redis refused", "redis", 5, 6, None, None, ALL),
    )


@pytest.mark.parametrize(
    ("name", "written", "effects"),
    [
        ("redis refused", None, {Effect.ALL}),
        ("redis killed", None, {Effect.ALL, Effect.DATA}),
        ("redis in flames", ["all", "data"], {Effect.ALL, Effect.DATA}),
        ("redis refused", ["writes"], {Effect.WRITES}),
        ("redis refuse", None, set()),
        ("redis refused", ["all", "everything"], set()),
        ("redis refused", [], set()),
    ],
)
def test_a_fault_does_what_its_event_says_and_its_name_counts_only_where_that_says_nothing(
    name: str, written: list[str] | None, effects: set[Effect]
) -> None:
    record = recorder(io.BytesIO())
    said = {} if written is None else {"effects": written}
    record.record("fault", t=1, name=name, store="redis", phase="inject", **said)
    (window,) = record.history().faults
    assert window.effects == effects


def test_a_history_knows_when_it_began_and_ended_and_was_drained() -> None:
    record = recorder(io.BytesIO())
    begin = record.events[0]["t"]
    assert record.history().drained_ns is None
    record.record("drained", t=begin + 5)
    record.record("note", t=begin + 9, text="bye")
    history = record.history()
    assert (history.begin_ns, history.drained_ns, history.end_ns) == (begin, begin + 5, begin + 9)


def test_a_history_without_a_begin_is_refused() -> None:
    line = {"row": "R-01", "kind": "drained", "t": 10}
    for lines in ([], [line]):
        with pytest.raises(ValueError, match="begin"):
            History.from_events(lines)


def test_an_answer_to_a_send_that_nobody_made_or_that_was_answered_already_is_ignored() -> None:
    record = recorder(io.BytesIO())
    record.record("send", t=10, **sending())
    for op, status in ((1, 200), (1, 503), (2, 200)):
        record.record("sent", t=20, op=op, outcome=Outcome.OK, status=status)
    assert [send.status for send in record.history().sends] == [200]


def test_a_history_that_is_asked_for_again_and_again_is_the_one_of_the_file() -> None:
    """Each asks for what came since the last; a send may be begun before one and be answered after it."""
    file = io.BytesIO()
    record = recorder(file)
    for op in range(3):
        record.record("send", t=10 * op, **sending(op))
        assert record.history() == History.from_events(record.events)
        record.record("sent", t=10 * op + 5, op=op, outcome=Outcome.OK, status=200)
        record.record("fault", t=10 * op + 6, name="redis refused", store="redis", phase="inject")
        assert record.history() == History.from_events(record.events)
    assert [send.status for send in record.history().sends] == [200, 200, 200]


def test_asking_for_the_history_reads_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Any] = []
    add = HistoryBuilder.add
    monkeypatch.setattr(HistoryBuilder, "add", lambda told, line: (read.append(line), add(told, line)))
    record = recorder(io.BytesIO())
    for _ in range(10):
        record.record("note", text="again")
        record.history()
    assert len(read) == 11


def test_a_file_tells_every_rows_history_again(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryFile(path) as file:
        first = file.recorder(row="R-01", title="one", seed=1, bounds=Bounds(poll_interval_s=1.5))
        second = file.recorder(row="R-02", title="two", seed=2, bounds=Bounds())
        first.record("send", **sending() | {"content": "✉\u2028\x00"})
        second.record("drained")
        file.record("over")
    one, two = read_histories(path)
    assert one.bounds.poll_interval_s == 1.5
    assert one == first.history()
    assert (one.sends[0].row, one.sends[0].content) == ("R-01", "✉\u2028\x00")
    assert two.drained_ns is not None


def test_polls_that_are_read_share_their_equal_values(tmp_path: Path) -> None:
    message = dict.fromkeys(("seq", "timestamp", "client_message_id"))
    message |= {"id": "m", "sender": "a", "recipient": "b", "content": "hi"}
    asked = {"consumer": "b#1", "reader": "b", "intended": 1, "start": 1, "outcome": "ok"}
    with HistoryFile(tmp_path / "history.jsonl") as file:
        record = file.recorder(row="R-01", title="a row", seed=7, bounds=Bounds())
        for op in (1, 2):
            record.record("poll", op=op, messages=[message], source="store-of-its-own", **asked)
    (history,) = read_histories(tmp_path / "history.jsonl")
    one, other = history.polls
    assert one.source == "store-of-its-own"
    for name in ("row", "consumer", "reader", "source"):
        assert getattr(one, name) is getattr(other, name)
    assert one.messages[0] is other.messages[0]


def test_a_line_cut_off_at_the_end_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryFile(path) as file:
        file.recorder(row="R-01", title="one", seed=1, bounds=Bounds()).record(
            "send", **sending(1) | {"content": ""}
        )
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole + whole.splitlines()[-1][:30], encoding="utf-8")
    (history,) = read_histories(path)
    assert len(history.sends) == 1


def test_a_broken_line_in_the_middle_is_an_error_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text('{"row": "R"\n{}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="line 1 is not JSON"):
        read_histories(path)


def test_threads_write_whole_lines_and_different_numbers() -> None:
    file = io.BytesIO()
    record = recorder(file)

    def work() -> None:
        for _ in range(200):
            record.record("note", text="x" * 50, op=record.next_op())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    notes = [json.loads(line) for line in file.getvalue().splitlines()][1:]
    assert sorted(note["op"] for note in notes) == list(range(1, 801))


def test_each_line_knows_when_it_was_written() -> None:
    record = recorder(io.BytesIO())
    events = [
        record.record("send", t=10, **sending()),
        record.record("sent", t=20, op=1, outcome=Outcome.OK),
        record.record("drained", t=30),
    ]
    assert [written_ns(line_of(event)) for event in events] == [10, 20, 30]


def test_the_collector_is_kept_out_for_as_long_and_stays_as_it_was() -> None:
    for was_enabled in (True, False):
        (gc.enable if was_enabled else gc.disable)()
        try:
            with gc_paused():
                assert not gc.isenabled()
            assert gc.isenabled() is was_enabled
        finally:
            gc.enable()


SPECIAL = ["to oneself", "sent as a form"]


def test_what_was_special_about_a_send_or_a_poll_is_read_back_and_told_only_where_something_was(
    tmp_path: Path,
) -> None:
    path = tmp_path / "history.jsonl"
    asked = {"consumer": "b#1", "reader": "b", "intended": 1, "start": 1, "outcome": "ok"}
    with HistoryFile(path) as file:
        record = file.recorder(row="R-01", title="one", seed=1, bounds=Bounds())
        record.record("send", **sending(1), special=SPECIAL)
        record.record("send", **sending(2))
        record.record("poll", op=3, **asked, special=["cursor with an offset"])
        record.record("poll", op=4, **asked)
    (read,) = read_histories(path)
    assert read == record.history()
    assert [send.special for send in read.sends] == [tuple(SPECIAL), ()]
    assert [poll.special for poll in read.polls] == [("cursor with an offset",), ()]
    told = [event.get("special") for send in read.sends for event in send.events]
    assert list(map(list, filter(None, told))) == [SPECIAL]
    assert ["special" in poll.event for poll in read.polls] == [True, False]


class _Full(io.BytesIO):
    """A file on a disk that has become full: it takes so many bytes more, as an unbuffered file tells it."""

    name = "reports/history.jsonl"

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    def write(self, line: Any) -> int:
        written = super().write(line[: self._room])
        self._room -= written
        if line and not written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return written


@pytest.mark.parametrize("room", [0, 10])
def test_an_event_that_is_not_on_the_disk_whole_was_not_recorded(room: int) -> None:
    with pytest.raises(CannotWrite) as caught:
        Recorder(_Full(room), row="FLOW-01", title="t", seed=1, bounds=Bounds())
    assert str(caught.value).startswith("reports/history.jsonl cannot be written: No space left ")
    assert str(caught.value).endswith("; --reports FOLDER puts the results elsewhere.")


def test_a_history_that_cannot_be_opened_is_told_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match=r"missing/history\.jsonl cannot be written: No such file"):
        HistoryFile(tmp_path / "missing" / "history.jsonl")


@pytest.mark.parametrize("replaced", [False, True])
def test_a_history_that_was_removed_meanwhile_takes_no_more_of_the_runs_events(
    tmp_path: Path, replaced: bool
) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryFile(path) as file:
        file.record("phase")
        path.unlink()
        if replaced:
            path.touch()
        with pytest.raises(CannotWrite, match="was removed while the run went on"):
            file.record("phase")
