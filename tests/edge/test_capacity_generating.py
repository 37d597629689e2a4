"""The generator's steps, with a server in memory: what is recorded, and what is left out."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from benchmarks.capacity.driving import Driver
from benchmarks.capacity.generating import Generator
from benchmarks.capacity.orders import Order, Setup
from benchmarks.capacity.talks import Polled, Sent
from harness.errors import ProcessDied
from harness.history import Outcome
from harness.history.operations import Received

SETUP = Setup(kind="contract", url="", interval_s=0.05, send_every_s=1.0, seed=1)


class Memory:
    """A chat in memory. Messages that are `held` arrive only when the next step has begun."""

    sends = True

    def __init__(self) -> None:
        self.mailboxes: dict[str, list[Received]] = {}
        self.held: list[Received] = []
        self.holds = False
        self.number = 0

    def enter(self, count: int) -> None:
        for late in self.held:
            self.mailboxes[late.recipient].append(late)
        self.held.clear()

    def name(self, consumer: int) -> str:
        return f"user-{consumer}"

    def poll(self, consumer: int, since: str | None) -> Polled:
        seen = int(since or 0)
        messages = self.mailboxes.setdefault(self.name(consumer), [])
        return Polled(Outcome.OK, 200, None, tuple(messages[seen:]), str(len(messages)))

    def send(self, consumer: int, recipient: str, content: str, token: str) -> Sent:
        self.number += 1
        sent = Received(f"m{self.number}", None, self.name(consumer), recipient, content, None, token)
        if self.holds:
            self.held.append(sent)
            return Sent(Outcome.UNKNOWN, None, "timeout")
        self.mailboxes.setdefault(recipient, []).append(sent)
        return Sent(Outcome.OK, 200, None, sent.id)


def test_a_generator_that_ends_is_one_sentence_with_its_last_lines(tmp_path: Path) -> None:
    setup = replace(SETUP, kind="profile", target="nowhere.toml")
    with (
        Driver(setup, tmp_path / "generator.log") as driver,
        pytest.raises(ProcessDied, match=r"^The load generator ended with status 1\.") as caught,
    ):
        driver.step(order(tmp_path / "one.jsonl"), lambda: None, lambda: None)
    assert "nowhere.toml" in caught.value.last_lines


def lines(path: Path, kind: str) -> list[dict[str, object]]:
    said = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in said if line["kind"] == kind]


def order(path: Path) -> Order:
    return Order(pollers=4, warm_up_s=0.05, measure_s=0.5, drain_s=0.1, history=str(path))


def test_every_message_of_a_step_is_in_its_history_once_sent_and_once_received(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    report = Generator(SETUP, Memory()).step(order(path), io.BytesIO())
    sent = [line["content"] for line in lines(path, "send")]
    received = [it["content"] for poll in lines(path, "poll") for it in poll["messages"]]  # type: ignore[attr-defined]
    assert sent
    assert sorted(received) == sorted(sent)
    assert (report.sends, report.acked, report.failed) == (len(sent), len(sent), 0)


def test_what_an_earlier_step_sent_is_no_phantom_of_this_one(tmp_path: Path) -> None:
    chat = Memory()
    generator = Generator(SETUP, chat)
    chat.holds = True
    assert generator.step(order(tmp_path / "one.jsonl"), io.BytesIO()).acked == 0
    chat.holds = False
    generator.step(order(tmp_path / "two.jsonl"), io.BytesIO())
    sent = {line["content"] for line in lines(tmp_path / "two.jsonl", "send")}
    polls = lines(tmp_path / "two.jsonl", "poll")
    assert {it["content"] for poll in polls for it in poll["messages"]} == sent  # type: ignore[attr-defined]
