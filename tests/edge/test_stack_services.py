"""The stack of a run: real services behind proxies, broken and cleaned as scenarios need it."""

import socket

import psutil
import pymongo
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from harness.errors import DeadlineMissed, InfrastructureError, ProcessDied, UsageError
from harness.stack import Process, Services, wait_until
from harness.stack.probe import QUESTIONS, ask_mongodb, look
from harness.stack.server_process import HOST
from harness.stack.toxics import ProxyServer
from harness.stack.waiting import free_port

DATABASE = "test_stack_services"


@pytest.fixture
def cache(services):
    """A client of Redis itself, which never tries again by itself."""
    with redis.Redis.from_url(services.redis_direct_url, retry=Retry(NoBackoff(), 0)) as client:
        yield client


@pytest.fixture
def store(services):
    with pymongo.MongoClient(services.mongodb_direct_url, timeoutMS=20_000) as client:
        yield client[DATABASE]
        client.drop_database(DATABASE)


def test_both_stores_answer_through_their_proxies(services):
    with redis.Redis.from_url(services.redis_url) as client:
        assert client.ping()
    with pymongo.MongoClient(services.mongodb_url, timeoutMS=5000) as client:
        assert client.admin.command("hello")["isWritablePrimary"]


def test_no_driver_finds_a_way_round_the_proxy(services):
    """A replica set tells its clients where its members are; directConnection keeps them from going there."""
    with pymongo.MongoClient(services.mongodb_url, serverSelectionTimeoutMS=2000) as client:
        client.admin.command("ping")
        assert client.address == services.proxies["mongodb"].listen
        assert "directConnection=true" in services.mongodb_direct_url


def test_mongodb_takes_majority_writes_and_transactions(services, store):
    store["warm"].insert_one({})
    with store.client.start_session() as session, session.start_transaction():
        store["messages"].insert_one({"text": "hi"}, session=session)
    majority = store["messages"].with_options(write_concern=pymongo.WriteConcern("majority", j=True))
    majority.insert_one({"text": "ho"})
    assert store["messages"].count_documents({}) == 2


def test_resetting_heals_every_proxy_and_empties_our_redis(ours, cache):
    cache.set("left", "over")
    ours.proxies["redis"].disable()
    ours.proxies["mongodb"].add_toxic("latency", "downstream", latency=5000)
    ours.reset()
    assert not cache.exists("left")
    for name, proxy in ours.proxies.items():
        assert look(proxy.listen, QUESTIONS[name]).saw == "answered"


@pytest.mark.parametrize("harm", ["kill", "stop", "pause"])
def test_resetting_brings_back_what_a_scenario_took_away(ours, cache, harm):
    getattr(ours.redis, harm)()
    ours.reset()
    assert cache.ping()


@pytest.mark.parametrize("service", ["redis", "mongod", "toxiproxy"])
def test_a_service_that_died_by_itself_is_told_of_by_name(ours, service):
    server = getattr(ours, service)
    psutil.Process(server.pid).kill()
    wait_until(lambda: not server.running, deadline_s=10, what="its end")
    with pytest.raises(ProcessDied, match=f"{server.name} was killed by SIGKILL; its last lines"):
        ours.require_alive()
    with pytest.raises(ProcessDied):
        ours.reset()
    server.kill()  # now the end was asked for
    ours.reset()


def test_redis_comes_back_empty_at_the_same_port(ours, cache):
    cache.set("a", 1)
    ours.redis.restart_from(None)
    assert not cache.exists("a")


def test_redis_comes_back_with_an_old_snapshot(ours, cache):
    cache.set("a", "then")
    snapshot = ours.redis.save_snapshot("then")
    cache.set("a", "now")
    ours.redis.restart_from(snapshot)
    assert cache.get("a") == b"then"
    ours.redis.restart_from(None)
    assert cache.get("a") is None


def test_mongodb_keeps_acked_writes_through_kill_9(ours, store):
    majority = store["messages"].with_options(write_concern=pymongo.WriteConcern("majority", j=True))
    majority.insert_one({"text": "hi"})
    ours.mongod.kill()
    ours.mongod.start()
    assert store["messages"].count_documents({}) == 1


def test_a_paused_redis_is_connected_and_silent(ours):
    ours.redis.pause()
    assert look(ours.redis.address, QUESTIONS["redis"]).saw == "silent"
    ours.redis.resume()
    assert look(ours.redis.address, QUESTIONS["redis"], timeout_s=5).saw == "answered"


def test_a_dead_store_behind_a_living_proxy_is_closed_not_refused(ours):
    ours.redis.kill()
    assert look(ours.proxies["redis"].listen, QUESTIONS["redis"]).saw == "closed"


def test_a_service_keeps_its_port_for_every_restart(ours):
    before = ours.redis.address
    ours.redis.restart()
    assert ours.redis.address == before


def test_a_service_that_cannot_have_its_port_back_is_wrong_usage(ours):
    ours.redis.stop()
    with (
        socket.create_server(ours.redis.address),
        pytest.raises(UsageError, match=rf"redis-server needs port {ours.redis.address[1]} of {HOST}"),
    ):
        ours.redis.start()


def test_foreign_services_are_proxied_and_never_touched(ours, monkeypatch, cache, store):
    monkeypatch.setenv("REDIS_URL", ours.redis_direct_url)
    monkeypatch.setenv("MONGODB_URL", ours.mongodb_direct_url)
    monkeypatch.setenv("TOXIPROXY_URL", ours.toxiproxy.url)
    cache.set("a", 1)
    with Services(install=False) as guest:
        assert (guest.redis, guest.mongod, guest.toxiproxy) == (None, None, None)
        assert look(guest.proxies["redis"].listen, QUESTIONS["redis"]).saw == "answered"
        assert ask_mongodb(guest.proxies["mongodb"].listen, {"ping": 1})["ok"]
        guest.proxies["redis"].disable()
        assert look(ours.proxies["redis"].listen, QUESTIONS["redis"]).saw == "answered"
        guest.reset()
        for own in (guest.own_redis, guest.own_mongod, guest.own_toxiproxy):
            with pytest.raises(UsageError, match="is not ours: it is never flushed, stopped or killed"):
                own()
    assert cache.get("a") == b"1"
    ours.require_alive()
    with ProxyServer(ours.toxiproxy.url).bound() as library:
        assert set(library.proxies()) == {proxy.name for proxy in ours.proxies.values()}


def test_a_mongodb_that_is_no_replica_set_is_wrong_usage(ours, monkeypatch, tmp_path):
    alone = type(ours.mongod)(ours.found["mongod"].binary, folder=tmp_path / "data", log=tmp_path / "log")
    alone.launch()
    try:
        alone.wait_until_ready(
            lambda: look(alone.address, QUESTIONS["mongodb"]).saw == "answered", deadline_s=30
        )
        monkeypatch.setenv("MONGODB_URL", "mongodb://{}:{}".format(*alone.address))
        with pytest.raises(UsageError, match="is not the primary of a replica set"), Services(install=False):
            pytest.fail("the stack must not start")
    finally:
        alone.kill()


def test_a_service_with_wrong_options_fails_with_its_own_words_and_leaves_nothing(ours, tmp_path):
    stack = Services(install=False, redis_options=["--no-such-option", "1"], logs=tmp_path)
    with pytest.raises(
        ProcessDied, match=r"redis-server exited with status 1; its last lines:\n(.|\n)*no-such-option"
    ):
        stack.__enter__()
    assert not any(server.running for server in (stack.redis, stack.mongod, stack.toxiproxy))
    assert (tmp_path / "redis.log").is_file()


def test_a_start_that_loses_its_port_tries_another(ours, tmp_path):
    """The port is taken between its choice and the start: here, by a listener of this test."""
    late = type(ours.redis)(ours.found["redis"].binary, folder=tmp_path / "data", log=tmp_path / "log")
    lost = late.address
    with socket.create_server(lost):
        late.start()
    assert late.address != lost
    late.kill()


def test_another_redis_that_took_the_port_is_not_taken_for_ours(ours, tmp_path):
    late = type(ours.redis)(ours.found["redis"].binary, folder=tmp_path / "late", log=tmp_path / "log")
    port = late.address[1]  # which two runs side by side may choose by chance
    binary = str(ours.found["redis"].binary)
    quick = Process("quick", [binary, "--port", str(port), "--save", ""], log=tmp_path / "log2")
    quick.start()
    quick.wait_until_ready(lambda: look((HOST, port), QUESTIONS["redis"]).saw == "answered", deadline_s=10)
    try:
        late.start()
        assert late.running
        assert late.address != (HOST, port)
    finally:
        late.kill()
        quick.kill()


def test_no_port_is_given_out_twice():
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50


def test_a_toxiproxy_that_hangs_is_restarted_with_its_proxies_and_blamed(ours):
    ours.toxiproxy.pause()
    with pytest.raises(
        InfrastructureError, match="did not answer GET /proxies within 5 s; it was killed and restarted"
    ):
        ours.proxies["redis"].disable()
    for name, proxy in ours.proxies.items():
        assert look(proxy.listen, QUESTIONS[name]).saw == "answered"


def test_enabling_a_proxy_whose_port_was_taken_does_not_claim_success(ours):
    proxy = ours.proxies["redis"]
    proxy.disable()
    with (
        socket.create_server(proxy.listen),
        pytest.raises(InfrastructureError, match="address already in use"),
    ):
        proxy.enable()


def test_two_toxiproxies_do_not_collide(ours, tmp_path):
    other = type(ours.toxiproxy)(ours.found["toxiproxy"].binary, log=tmp_path / "log")
    other.start()
    try:
        server = ProxyServer(other.url)
        proxy = server.create("mine", listen=(HOST, free_port()), upstream=ours.redis.address)
        ours.proxies["redis"].disable()
        assert look(proxy.listen, QUESTIONS["redis"]).saw == "answered"
        with server.bound() as library:
            assert set(library.proxies()) == {"mine"}
    finally:
        other.kill()


def test_a_store_that_never_becomes_ready_misses_its_deadline_with_its_last_lines(ours, tmp_path):
    slow = type(ours.redis)(ours.found["redis"].binary, folder=tmp_path / "data", log=tmp_path / "log")
    slow.ready_deadline_s = 0.0
    slow.launch()
    slow.pause()
    with pytest.raises(DeadlineMissed, match="without success for redis-server to be ready"):
        slow.await_ready()
    assert not slow.running
