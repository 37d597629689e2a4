"""What befalls mongod and the server under test: processes really end, and clocks are really wrong."""

import itertools
import sys
import time
from datetime import datetime
from pathlib import Path

import pymongo
import pymongo.errors
import pytest
import urllib3

from harness.client import Client
from harness.errors import InfrastructureError, UsageError
from harness.faults import FaultInjector
from harness.stack import wait_until
from harness.targets.instances import Instances
from harness.targets.profile import Profile

TIMEKEEPER = Path(__file__).parent / "programs" / "timekeeper.py"
ONE_PROCESS = "import http.server; http.server.test(http.server.SimpleHTTPRequestHandler, port={port})"


@pytest.fixture
def journal():
    return []


@pytest.fixture
def start(ours, journal, tmp_path):
    """Makes the injector of a server with this command, started so often."""
    started = []

    def start(*command, count=1, with_clocks=False):
        profile = Profile("a server", command, ready_path="/")
        instances = Instances(profile, ours, logs=tmp_path, name="test")
        started.append(instances)
        for _ in range(count):
            instances.start_with_clock(workers=2) if with_clocks else instances.start()
        return instances, FaultInjector(
            ours, lambda kind, **it: journal.append({"kind": kind, **it}), instances
        )

    yield start
    for instances in started:
        instances.stop()


@pytest.fixture
def timekeeper(start):
    instances, faults = start(sys.executable, str(TIMEKEEPER), "{port}")
    return instances.first, faults


def proof(journal):
    return [event["probe"] for event in journal if event.get("phase") in ("active", "healed")]


def workers(target):
    return {worker.pid for worker in target.workers()}


def get(target):
    with urllib3.PoolManager(retries=False) as http:
        return http.request("GET", target.base_url, timeout=5).status


def test_one_killed_worker_is_gone_and_replaced(timekeeper, journal):
    target, faults = timekeeper
    before = workers(target)
    with faults.worker_killed():
        pass
    after = workers(target)
    assert len(before) == len(after) == 2
    assert len(before & after) == 1
    assert proof(journal) == ["ended", "serving"]


def test_all_killed_workers_are_gone_and_replaced(timekeeper, journal):
    target, faults = timekeeper
    before = workers(target)
    with faults.workers_killed():
        pass
    assert not before & workers(target)
    assert len(workers(target)) == 2


def test_workers_are_killed_only_when_a_push_hangs_and_redis_stays_silent(ours, timekeeper):
    target, faults = timekeeper
    before, asked = workers(target), []

    def hangs():
        asked.append(workers(target))
        return len(asked) == 3

    with faults.workers_killed_in_mid_push(hangs):
        silent = urllib3.util.connection.create_connection(ours.proxies["redis"].listen, timeout=0.5)
        silent.sendall(b"PING\r\n")
        with pytest.raises(TimeoutError):
            silent.recv(1)
    assert asked == [before] * 3
    assert not before & workers(target)


@pytest.mark.parametrize(("fault", "how"), [("server_killed", "SIGKILL"), ("server_stopped", "status 0")])
def test_the_whole_server_ends_and_comes_back_at_the_same_place(timekeeper, journal, fault, how):
    target, faults = timekeeper
    with getattr(faults, fault)():
        assert how in target.how_it_ended()
        with pytest.raises(urllib3.exceptions.HTTPError):
            get(target)
    assert get(target) == 200
    assert proof(journal) == ["ended", "serving"]


def test_a_server_without_workers_has_none_to_kill(start):
    _, faults = start(sys.executable, "-c", ONE_PROCESS)
    with pytest.raises(InfrastructureError, match="no worker processes"):
        faults.worker_killed()


def test_faults_of_a_server_need_one(ours):
    with pytest.raises(UsageError, match="made without its instances"):
        FaultInjector(ours, lambda kind, **fields: None).server_killed()


def test_a_killed_mongod_is_away_and_comes_back_with_what_was_durable(ours, start, journal):
    _, faults = start(sys.executable, str(TIMEKEEPER), "{port}")
    with pymongo.MongoClient(ours.mongodb_url, timeoutMS=5000, w="majority", journal=True) as client:
        client.bites.kept.insert_one({"_id": 1})
        with faults.mongodb_killed(), pytest.raises(pymongo.errors.PyMongoError), pymongo.timeout(0.5):
            client.bites.kept.find_one()
        found = wait_until(
            client.bites.kept.find_one, deadline_s=15, what="mongod", retry_on=(pymongo.errors.PyMongoError,)
        )
    assert found == {"_id": 1}
    assert proof(journal) == ["closed", "answered"]


def test_clocks_can_be_set_forward_and_back_and_are_right_again(start, journal):
    instances, faults = start(sys.executable, str(TIMEKEEPER), "{port}", count=2, with_clocks=True)
    with faults.clocks_off([-180, 180]):
        assert [round(instances.skew_s(each)) for each in (0, 1)] == pytest.approx([-180, 180], abs=2)
    assert [round(instances.skew_s(each)) for each in (0, 1)] == pytest.approx([0, 0], abs=2)
    assert proof(journal) == ["off", "right"]


def test_a_client_of_two_instances_asks_them_by_turns(start):
    instances, faults = start(sys.executable, str(TIMEKEEPER), "{port}", count=2, with_clocks=True)
    client = Client(instances.base_urls, "alice", "a password")
    with faults.clocks_off([0, 3600]):
        told = [datetime.fromisoformat(client.poll({}).body["timestamp"]).timestamp() for _ in range(4)]
    client.close()
    assert [round((each - told[0]) / 3600) for each in told] == [0, 1, 0, 1]


def test_a_stepping_clock_goes_back_while_the_server_runs(start, journal):
    instances, faults = start(sys.executable, str(TIMEKEEPER), "{port}", with_clocks=True)
    told = []

    def stepped_back():
        told.append(instances.time_told_by(0))
        return any(later < earlier - 50 for earlier, later in itertools.pairwise(told))

    with faults.clocks_stepping([60, -60]):
        wait_until(stepped_back, deadline_s=10, what="the clock to step back")
    assert proof(journal) == ["stepping", "right"]


def test_stopped_clocks_tell_one_and_the_same_time(start, journal):
    instances, faults = start(sys.executable, str(TIMEKEEPER), "{port}", count=2, with_clocks=True)
    with faults.clocks_stopped():
        first = instances.time_told_by(0)
        wait_until(lambda: time.time() > first + 1, deadline_s=5, what="a second to pass")
        assert {instances.time_told_by(each) for each in (0, 1)} == {first}
    assert proof(journal) == ["stopped", "right"]


def test_nothing_of_a_clock_outlives_its_instance(start):
    instances, _ = start(sys.executable, str(TIMEKEEPER), "{port}", with_clocks=True)
    pid = instances.first.pid
    instances.stop()
    assert list(Path("/dev/shm").glob(f"*faketime*_{pid}")) == []
