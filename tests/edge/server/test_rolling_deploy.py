"""Several instances behind a balancer, each replaced in turn under traffic by one of a new version."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from harness.checkers import DELIVERY, available, bounded, on_time
from harness.client import Client
from harness.faults.server_faults import STOPS_WITHIN_S
from harness.run import Run, certain
from harness.stack import Services
from tests.edge.balancer import Balancer, haproxy

INSTANCES = 3
HELD_S = 8
HELD_POLLS = 4
EARLIER = [sys.executable, "-m", "tests.edge.programs.earlier_server"]
"""The server with the queue of version 0.1."""

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def balancer(tmp_path: Path) -> Iterator[Balancer]:
    program = haproxy()
    if not program:
        missing = "there is no HAProxy for this machine: `apt-get install haproxy`"
        if os.environ.get("CI"):
            raise AssertionError(missing)
        pytest.skip(missing)
    balancer = Balancer(program, tmp_path)
    balancer.start()
    yield balancer
    balancer.stop()


@pytest.fixture
def stored(services: Services) -> Iterator[redis.Redis]:
    """Redis, where each list is."""
    with redis.Redis.from_url(services.redis_direct_url) as client:
        yield client


def newest(stored: redis.Redis, reader: Client) -> bytes:
    """The newest entry of a reader's list."""
    return stored.lindex(f"messages:{reader.username}", 0)


@pytest.mark.plan("CLUSTER-30", long=True)
def test_each_instance_is_replaced_in_turn(stored: redis.Redis, run: Run, balancer: Balancer) -> None:
    """The first three have the queue of version 0.1."""
    run.instances.workers = 1
    old = {slot: run.instances.start(EARLIER) for slot in range(1, INSTANCES + 1)}
    for slot, instance in old.items():
        balancer.put_in(slot, instance.address)
    run.instances.front = balancer.url
    alice, bob = run.users.new(2)
    run.traffic.start(every_s=0.25)
    run.readers.start(bob)
    for _ in range(HELD_POLLS):
        run.readers.start(run.users.new_one(), wait_s=HELD_S)
    run.messages.send_acked(alice, bob)
    assert newest(stored, bob).startswith(b'{"seq":')
    run.wait.for_traffic(sends=10, polls=4)
    free = INSTANCES + 1
    for slot, instance in old.items():
        balancer.put_in(free, run.instances.start().address)
        balancer.take_out(slot)
        run.wait.for_traffic(sends=4, polls=2)  # what the balancer had sent to it before has arrived
        stopped = instance.stop(deadline_s=STOPS_WITHIN_S)
        certain(stopped, "an instance did not end by itself after SIGTERM")
        free = slot
    run.wait.for_traffic(sends=8, polls=4)
    run.messages.send_acked(alice, bob)
    run.mailboxes.read_all()
    run.check(*DELIVERY, on_time, available, bounded)
    run.queues.require_right()
    assert newest(stored, bob).startswith(b"[")
