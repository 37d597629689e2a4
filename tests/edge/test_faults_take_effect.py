"""Each fault on real stores through a real Toxiproxy: it affects new and live connections, and it heals."""

import contextlib
import socket
import time

import pymongo
import pymongo.errors
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from harness.errors import InfrastructureError
from harness.faults import PROXY_FAULTS, Fault, FaultInjector
from harness.stack import wait_until
from harness.stack.probe import QUESTIONS, look

LATENCY_MS = 300
SILENCE_S = 0.5
FAULTS = [
    Fault(store, kind, LATENCY_MS if kind == "slow" else 0)
    for store in ("redis", "mongodb")
    for kind in PROXY_FAULTS
]


@pytest.fixture
def journal():
    return []


@pytest.fixture
def faults(services, journal):
    services.reset()
    yield FaultInjector(services, lambda kind, **fields: journal.append({"kind": kind, **fields}))
    services.reset()


@pytest.fixture
def live(services):
    """A connection to each store through its proxy that has been answered before."""
    with contextlib.ExitStack() as stack:
        connections = {}
        for store, proxy in services.proxies.items():
            connection = stack.enter_context(socket.create_connection(proxy.listen, timeout=5))
            assert answer(connection, store)
            connections[store] = connection
        yield connections


def answer(connection, store, *, timeout_s=5.0):
    """What a connection is answered now, b'' when it is closed; raises TimeoutError on silence."""
    connection.settimeout(timeout_s)
    connection.sendall(QUESTIONS[store])
    return connection.recv(4096)


def phases(journal):
    return [event["phase"] for event in journal if event["kind"] == "fault"]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_takes_effect_lasts_and_heals_and_the_history_says_so(services, faults, journal, fault):
    sees = PROXY_FAULTS[fault.kind].probe_sees
    with faults.through(fault):
        wait_until(
            lambda: [event for event in journal if event["kind"] == "probe"],
            deadline_s=5,
            what="the first probe during the fault",
        )
    active, healed = (
        next(event for event in journal if event.get("phase") == phase) for phase in ("active", "healed")
    )
    assert phases(journal) == ["inject", "active", "heal", "healed"]
    assert (active["probe"], healed["probe"]) == (sees, "answered")
    assert {event["saw"] for event in journal if event["kind"] == "probe"} == {sees}
    assert look(services.proxies[fault.store].listen, QUESTIONS[fault.store]).saw == "answered"


@pytest.mark.parametrize("store", ["redis", "mongodb"])
def test_a_refused_store_closes_living_connections_and_takes_no_new_ones(services, faults, live, store):
    with faults.through(Fault(store, "refused")):
        live[store].settimeout(5)
        assert live[store].recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(services.proxies[store].listen, timeout=5)


@pytest.mark.parametrize("store", ["redis", "mongodb"])
def test_a_black_hole_swallows_what_living_and_new_connections_say(services, faults, live, store):
    with faults.through(Fault(store, "black-holed")):
        with pytest.raises(TimeoutError):
            answer(live[store], store, timeout_s=SILENCE_S)
        with socket.create_connection(services.proxies[store].listen, timeout=5) as new:
            with pytest.raises(TimeoutError):
                answer(new, store, timeout_s=SILENCE_S)
            with pytest.raises(TimeoutError):  # and it stays open: silent is not closed
                new.recv(1)


def test_a_command_into_a_black_hole_is_never_carried_out(services, faults, live):
    with faults.redis_black_holed():
        live["redis"].sendall(b"SET swallowed 1\r\n")
        with pytest.raises(TimeoutError):
            answer(live["redis"], "redis", timeout_s=SILENCE_S)
    with redis.Redis.from_url(services.redis_direct_url) as direct:
        assert direct.get("swallowed") is None


def test_an_answer_under_way_does_not_get_out_of_a_black_hole(services, faults, live):
    """A subscriber's message, which no client's question triggers."""
    subscriber = live["redis"]
    subscriber.sendall(b"SUBSCRIBE news\r\n")
    assert b"subscribe" in subscriber.recv(4096)
    with faults.redis_black_holed(), redis.Redis.from_url(services.redis_direct_url) as direct:
        assert direct.publish("news", "hello") == 1
        subscriber.settimeout(SILENCE_S)
        with pytest.raises(TimeoutError):
            subscriber.recv(4096)


@pytest.mark.parametrize("store", ["redis", "mongodb"])
def test_a_slow_store_answers_late_on_living_and_new_connections(services, faults, live, store):
    with faults.through(Fault(store, "slow", LATENCY_MS)):
        assert milliseconds(lambda: answer(live[store], store)) >= LATENCY_MS
        with socket.create_connection(services.proxies[store].listen, timeout=5) as new:
            assert milliseconds(lambda: answer(new, store)) >= LATENCY_MS
    with socket.create_connection(services.proxies[store].listen, timeout=5) as new:
        assert milliseconds(lambda: answer(new, store)) < LATENCY_MS


def milliseconds(action):
    start = time.monotonic()
    action()
    return (time.monotonic() - start) * 1000


def test_the_drivers_see_what_the_probes_see(services, faults):
    never = Retry(NoBackoff(), 0)
    with (
        redis.Redis.from_url(services.redis_url, retry=never, socket_timeout=SILENCE_S) as cache,
        pymongo.MongoClient(services.mongodb_url, timeoutMS=int(SILENCE_S * 1000)) as store,
    ):
        assert cache.ping()
        assert store.admin.command("ping")
        with faults.redis_refused(), pytest.raises(redis.ConnectionError):
            cache.ping()
        with faults.redis_black_holed(), pytest.raises(redis.TimeoutError):
            cache.ping()
        for fault in (faults.mongodb_refused, faults.mongodb_black_holed):
            with fault(), pytest.raises(pymongo.errors.PyMongoError):
                store.admin.command("ping")
        wait_until(
            lambda: cache.ping() and store.admin.command("ping"),
            deadline_s=15,
            what="both drivers to recover",
            retry_on=(redis.RedisError, pymongo.errors.PyMongoError),
        )


def test_both_stores_can_be_down_at_once(services, faults):
    with faults.redis_refused(), faults.mongodb_black_holed():
        seen = {store: look(proxy.listen, QUESTIONS[store]).saw for store, proxy in services.proxies.items()}
    assert seen == {"redis": "refused", "mongodb": "silent"}


@pytest.mark.parametrize("error", [AssertionError, KeyboardInterrupt])
def test_a_fault_is_healed_whatever_ends_its_context(services, faults, journal, error):
    with pytest.raises(error), faults.redis_refused():
        raise error
    assert phases(journal) == ["inject", "active", "heal", "healed"]
    assert look(services.proxies["redis"].listen, QUESTIONS["redis"]).saw == "answered"


def test_a_fault_that_somebody_heals_in_the_middle_is_no_fault(services, faults, journal):
    def outage():
        with faults.redis_refused():
            services.proxies["redis"].heal()
            wait_until(
                lambda: [event for event in journal if event.get("saw") == "answered"],
                deadline_s=5,
                what="a probe that is answered",
            )

    with pytest.raises(
        InfrastructureError, match=r"In the middle of the fault 'redis refused' the probe saw 'answered'"
    ):
        outage()


def test_a_store_that_is_down_by_itself_is_not_taken_for_a_fault(ours, faults, journal):
    ours.redis.kill()
    with (
        pytest.raises(InfrastructureError, match="redis to answer before the fault; the probe saw 'closed'"),
        faults.redis_refused(),
    ):
        pytest.fail("the context must not be entered")
    assert journal == []


def test_a_store_that_does_not_come_back_after_the_heal_is_told_of(ours, faults):
    with (
        pytest.raises(
            InfrastructureError, match="redis to answer after 'redis refused'; the probe saw 'closed'"
        ),
        faults.redis_refused(),
    ):
        ours.redis.kill()
