"""Performance: measured values beside their target and the worst acceptable one. Rows that time run alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.arithmetic import exact_percentile
from harness.checkers import DELIVERY, available, bounded, delivery_delays_s, on_time
from harness.client import Answer
from harness.run import Run

ALL = (*DELIVERY, on_time, available, bounded)
SENTENCE = (
    "Shall we meet at noon, at the usual place? I will bring the papers, and something to eat. See you! 🙂"
)


@pytest.mark.plan("PERF-01", alone=True)
def test_messages_arrive_in_time_under_load(run: Run) -> None:
    """Forty users write to forty others, each about once a second."""
    run.traffic.start(pairs=40, every_s=1.0)
    run.wait.for_traffic(sends=300, polls=150)
    run.mailboxes.read_all()
    run.check(*ALL)
    delays_s = delivery_delays_s(run.recorder.history())
    run.measure.compare("delivery_p95_s", exact_percentile(delays_s, 95), target=2.0, acceptable=5.0)


@pytest.mark.plan("PERF-02", alone=True)
def test_a_poll_is_quick_under_load(run: Run) -> None:
    """A hundred polls, one after the other, beside those of eighty users; each brings a message."""
    run.traffic.start(pairs=40, every_s=1.0)
    run.wait.for_traffic(sends=40, polls=40)
    polls = run.measure.round_trips((run.users.new_one(), run.users.new_one()), rounds=100).polls
    run.mailboxes.read_all()
    run.check(*ALL)
    run.measure.compare("poll_p95_ms", _p95_ms(polls), target=100, acceptable=500)


@pytest.mark.plan("PERF-03")
def test_a_poll_is_small(run: Run) -> None:
    """All bytes of the answer to a poll that brings one message are counted, headers included."""
    alice, bob = run.users.new(2, usual=True)
    polls = run.measure.round_trips((alice, bob), rounds=20, content=SENTENCE).polls
    run.mailboxes.read_all()
    run.check(*DELIVERY, available)
    run.measure.compare("bytes_per_poll", max(map(_bytes, polls)), target=1024, acceptable=5 * 1024)


@pytest.mark.plan("PERF-04")
def test_a_thousand_users_fit_into_redis(run: Run) -> None:
    """A thousand messages in four queues are measured and extrapolated: memory grows with their number."""
    alice, *others = run.users.new(5, usual=True)
    run.messages.send_acked(alice, others[0])
    before = run.vitals.redis_data_bytes()
    run.senders.send_many([(alice, other) for other in others], count=250, every_s=0.01, content=SENTENCE)
    an_entry = (run.vitals.redis_data_bytes() - before) / 1000
    run.readers.start(*others, at_once=True)
    run.mailboxes.read_all()
    run.check(*DELIVERY, available, bounded)
    assert an_entry > len(SENTENCE), (
        f"a sentence took {an_entry:.0f} bytes in Redis: Redis does not hold them"
    )
    run.measured["bytes_an_entry"] = round(an_entry)
    full_mb = 1000 * run.bounds.retained_messages * an_entry / 1e6
    run.measure.compare("redis_for_1000_full_queues_mb", round(full_mb, 1), target=100, acceptable=500)


@pytest.mark.plan("PERF-05", alone=True)
def test_a_hundred_users_at_once(run: Run) -> None:
    """A hundred and twenty users poll and sixty write; every promise holds, and answers stay quick."""
    run.traffic.start(pairs=60, every_s=2.0)
    run.wait.for_traffic(sends=200, polls=300)
    run.mailboxes.read_all()
    run.check(*ALL)
    polls = run.recorder.history().polls
    seconds = [(poll.end_ns - poll.start_ns) / 1e9 for poll in polls if not poll.wait_s]
    run.measured["users"] = 120
    run.measure.compare("poll_p95_ms", 1000 * exact_percentile(seconds, 95), target=100, acceptable=500)


def _p95_ms(answers: Sequence[Answer]) -> float:
    return 1000 * exact_percentile([answer.seconds for answer in answers], 95)


def _bytes(answer: Answer) -> int:
    """Return the size of an answer on the wire: status line, headers, an empty line, the body."""
    head = sum(len(f"{name}: {value}\r\n".encode()) for name, value in answer.headers.items())
    return len(b"HTTP/1.1 200 OK\r\n\r\n") + head + len(answer.text.encode())
