"""What is recorded of a mailbox is all of it, in every process, and the parts of workers make one history."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.client import Ack, Body, Page, Result
from harness.history import Bounds, Outcome, read_histories
from harness.history.recorder import HistoryFile
from loadtests.clocks import Clock
from loadtests.figures import Figures
from loadtests.recording import RECORDED, Recording, key_of, merge
from loadtests.results import judged_promises, wider
from loadtests.verdicts import Circumstances, Totals


def recording(
    lines: list[bytes], *, share: float = 1.0, seed: int = 7, worker: int = 0, clock: Clock | None = None
) -> Recording:
    return Recording(lines.append, seed=seed, share=share, worker=worker, clock=clock)


def acked(at_ns: int) -> Result[Ack]:
    return Result(200, Body(), None, at_ns - 1, at_ns, outcome=Outcome.OK, said=Ack(id="m1"))


def polled(start_ns: int, end_ns: int) -> Result[Page]:
    return Result(200, Body(), None, start_ns, end_ns, outcome=Outcome.OK, said=Page())


def names(run: str) -> list[str]:
    return [f"load_{run}_{worker}x{number}" for worker in range(4) for number in range(250)]


def test_which_mailboxes_are_recorded_follows_from_the_seed_in_every_process_and_every_run() -> None:
    one, other = recording([], share=0.3), recording([], share=0.3, worker=3)
    chosen = [one.has(name) for name in names("aaaaaaaa")]
    assert chosen == [other.has(name) for name in names("bbbbbbbb")]
    assert 230 < sum(chosen) < 370
    assert chosen != [recording([], share=0.3, seed=8).has(name) for name in names("aaaaaaaa")]
    assert all(recording([]).has(name) for name in names("aaaaaaaa"))
    assert not any(recording([], share=0.0).has(name) for name in names("aaaaaaaa"))


def test_a_user_of_a_profiles_list_is_known_by_the_whole_name() -> None:
    assert key_of("load_a1b2c3d4_2x17") == "2x17"
    assert key_of("bob_2x17") == "bob_2x17"


def test_times_are_those_of_the_masters_clock_and_a_send_began_no_later() -> None:
    clock = Clock(is_the_master_s=False)
    clock.heard(0, 1_000_010, 20)  # a million ahead, give or take 10
    lines: list[bytes] = []
    made = recording(lines, clock=clock, worker=2)
    op = made.sending("ann", "bob", "hi", "t1", due_ns=100, now_ns=100)
    made.sent(op, acked(150))
    made.polled("bob", None, polled(200, 250), intended_ns=190)
    made.pressed("pressure", since=300, t=400, waiting=0.9)
    send, sent, poll, pressure = map(json.loads, lines)
    assert send["t"] == send["intended"] == 1_000_090
    assert sent["t"] == 1_000_150
    assert (poll["intended"], poll["start"], poll["t"]) == (1_000_190, 1_000_200, 1_000_250)
    assert (pressure["since"], pressure["t"]) == (1_000_300, 1_000_400)
    assert send["op"] == sent["op"] != poll["op"]


def test_the_parts_of_workers_are_merged_in_the_order_of_time(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    with HistoryFile(history) as file:
        begin_ns = file.recorder(row=RECORDED, title="", seed=7, bounds=Bounds()).events[0]["t"]
    parts = []
    for worker in range(2):
        lines: list[bytes] = []
        made = recording(lines, worker=worker)
        for number in range(5):
            at_ns = begin_ns + 100 * number + 10 * worker
            op = made.sending(
                "ann", "bob", f"{worker} {number}", f"{worker}-{number}", due_ns=at_ns, now_ns=at_ns
            )
            made.sent(op, acked(at_ns + 5))
        parts.append(tmp_path / f"part-{worker}")
        parts[-1].write_bytes(b"".join(lines))
    merge(history, parts)
    (judged,) = read_histories(history)
    assert [send.content for send in judged.sends] == [f"{w} {n}" for n in range(5) for w in range(2)]
    assert all(send.outcome is Outcome.OK for send in judged.sends)
    assert [file.name for file in tmp_path.iterdir()] == ["history.jsonl"]


@pytest.mark.parametrize("error_s", [0.0, 0.004])
def test_within_the_clocks_error_nothing_recorded_is_late(error_s: float) -> None:
    assert wider(Bounds(), error_s).delivered_within_s == pytest.approx(2 + error_s)


@pytest.mark.parametrize(
    ("about", "missed", "left_out"),
    [
        (Circumstances(), 0, set()),
        (Circumstances(lost_workers=1), 0, {"no-phantom", "available"}),
        (Circumstances(), 50, {"on-time", "available"}),
    ],
)
def test_recorded_mailboxes_are_not_judged_by_what_the_generator_did_not_see(
    about: Circumstances, missed: int, left_out: set[str]
) -> None:
    figures = Figures()
    figures.counts["missed"] = missed
    everything = {"no-loss", "no-duplicate", "order", "cursor", "no-phantom", "on-time", "available"}
    assert set(judged_promises(Totals(figures, Bounds(), about))) == everything - left_out


def test_a_fault_is_followed_by_a_recovery_that_is_judged() -> None:
    totals = Totals(Figures(), Bounds(), Circumstances(is_broken_on_purpose=True))
    assert judged_promises(totals)[-1] == "recovers"
