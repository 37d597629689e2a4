"""The long rows, `python -m harness soak --minutes 60`: what the server uses while a chat is left open."""

from __future__ import annotations

import pytest

from harness.checkers import DELIVERY, available, bounded, no_leak, on_time
from harness.run import Run

TEXT = "A sentence of the usual length, so that a queue that is full stays as large as it is."


@pytest.mark.plan("SOAK-01")
@pytest.mark.timeout(0)
def test_a_chat_is_left_open(run: Run) -> None:
    """Two mailboxes are full before it begins, so that nothing has to grow; one is unused until the end."""
    alice, bob, carol, patient, late = run.users.new(5)
    pairs = [(alice, bob), (bob, carol)]
    full = run.bounds.retained_messages
    run.senders.send_many(pairs, count=full + 10, every_s=0.008, content=TEXT)
    run.readers.start(bob, carol, patient)
    run.readers.start(run.users.second_browser(bob), wait_s=25)
    run.senders.start(pairs, every_s=0.25, content=TEXT)
    run.wait.for_traffic(sends=20, polls=4)
    run.vitals.watch(minutes=run.minutes)
    run.messages.send_acked(late, patient)
    run.wait.for_delivery()
    run.mailboxes.read_all()
    run.check(*DELIVERY, on_time, available, bounded, no_leak)
    run.queues.require_right()
