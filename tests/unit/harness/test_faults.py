"""A fault counts only while a probe sees it: the injector with proxies and probes of this test."""

import itertools
import threading
from types import SimpleNamespace

import pytest

from harness.errors import InfrastructureError, NotServed, UsageError
from harness.faults import PROXY_FAULTS, Fault, FaultInjector, Timing
from harness.faults.fault import Breakage, Observation, nothing
from harness.stack.probe import Sighting

NEVER_S = 3600.0
AT_ONCE_S = 0.001


class FakeProxy:
    """Does what a proxy is told and remembers it; `blunt` faults change nothing that a probe could see."""

    def __init__(self, *, blunt=False):
        self.listen = ("127.0.0.1", id(self))
        self.blunt = blunt
        self.calls = []
        self.sighting = Sighting("answered", 0.5)

    def disable(self):
        self.calls.append("disable")
        self._show(Sighting("refused", 0.1))

    def add_toxic(self, kind, stream, **attributes):
        self.calls.append((kind, stream, attributes))
        late = attributes.get("latency")
        self._show(Sighting("answered", late) if late else Sighting("silent", 300.0))

    def heal(self):
        self.calls.append("heal")
        self.sighting = Sighting("answered", 0.5)

    def _show(self, sighting):
        if not self.blunt:
            self.sighting = sighting


class Journal:
    """Keeps the events, and lets a test wait for a probe's."""

    def __init__(self):
        self.events = []
        self.probe_seen = threading.Event()

    def __call__(self, kind, **fields):
        self.events.append((kind, fields))
        if kind == "probe":
            self.probe_seen.set()

    def phases(self):
        return [fields["phase"] for kind, fields in self.events if kind == "fault"]


def injector(redis, journal, *, mongodb=None, probe_interval_s=NEVER_S):
    proxies = {"redis": redis, "mongodb": mongodb or FakeProxy()}
    by_address = {proxy.listen: proxy for proxy in proxies.values()}
    return FaultInjector(
        SimpleNamespace(proxies=proxies),
        journal,
        look=lambda address, question, *, timeout_s: by_address[address].sighting,
        timing=Timing(AT_ONCE_S, AT_ONCE_S, probe_interval_s),
    )


@pytest.mark.parametrize(
    ("fault", "saw"),
    [
        (Fault("redis", "refused"), "refused"),
        (Fault("redis", "black-holed"), "silent"),
        (Fault("mongodb", "slow", latency_ms=200), "slow"),
    ],
)
def test_a_fault_is_recorded_from_its_injection_to_the_probes_first_answer_after_it(fault, saw):
    proxy, journal = FakeProxy(), Journal()
    with injector(proxy, journal, mongodb=proxy).through(fault):
        assert journal.phases() == ["inject", "active"]
    assert journal.phases() == ["inject", "active", "heal", "healed"]
    seen = {fields["phase"]: fields.get("probe") for _, fields in journal.events}
    assert seen == {"inject": None, "active": saw, "heal": None, "healed": "answered"}
    assert all((fields["name"], fields["store"]) == (fault.name, fault.store) for _, fields in journal.events)


def test_a_black_hole_swallows_both_directions():
    proxy = FakeProxy()
    with injector(proxy, Journal()).redis_black_holed():
        pass
    assert proxy.calls == [
        ("timeout", "upstream", {"timeout": 0}),
        ("timeout", "downstream", {"timeout": 0}),
        "heal",
    ]


def test_a_fault_that_does_not_take_effect_is_healed_and_blamed_on_the_infrastructure():
    proxy, journal = FakeProxy(blunt=True), Journal()
    with (
        pytest.raises(InfrastructureError) as caught,
        injector(proxy, journal).redis_refused(),
    ):
        pytest.fail("the context must not be entered")
    assert str(caught.value) == (
        "The fault 'redis refused' did not take effect: the probe saw 'answered' after 0.5 ms, not refused,"
        " for 0.001 s."
    )
    assert journal.phases() == ["inject", "heal", "healed"]


def test_a_store_that_does_not_answer_before_the_fault_is_not_broken_further():
    proxy, journal = FakeProxy(), Journal()
    proxy.sighting = Sighting("closed", 0.2)
    with (
        pytest.raises(InfrastructureError, match="redis to answer before the fault; the probe saw 'closed'"),
        injector(proxy, journal).redis_refused(),
    ):
        pytest.fail("the context must not be entered")
    assert journal.events == []
    assert proxy.calls == []


def test_probes_are_recorded_while_the_fault_lasts():
    journal = Journal()
    with injector(FakeProxy(), journal, probe_interval_s=AT_ONCE_S).redis_refused():
        assert journal.probe_seen.wait(5)
    seen = next(fields for kind, fields in journal.events if kind == "probe")
    assert seen == {"name": "redis refused", "store": "redis", "saw": "refused", "ms": 0.1}


def test_an_answer_in_the_middle_of_an_outage_makes_leaving_it_raise():
    proxy, journal = FakeProxy(), Journal()

    def outage():
        with injector(proxy, journal, probe_interval_s=AT_ONCE_S).redis_black_holed():
            proxy.sighting = Sighting("answered", 0.7)
            journal.probe_seen.clear()
            assert journal.probe_seen.wait(5)

    with pytest.raises(InfrastructureError, match="In the middle of the fault"):
        outage()
    assert journal.phases()[-1] == "healed"


def test_a_failing_body_keeps_its_own_exception_and_is_told_of_the_answer_in_the_middle():
    proxy, journal = FakeProxy(), Journal()

    def outage():
        with injector(proxy, journal, probe_interval_s=AT_ONCE_S).redis_refused():
            proxy.sighting = Sighting("answered", 0.7)
            journal.probe_seen.clear()
            assert journal.probe_seen.wait(5)
            raise ValueError("the body's own")

    with pytest.raises(ValueError, match="the body's own") as caught:
        outage()
    assert "In the middle of the fault" in caught.value.__notes__[0]
    assert proxy.calls[-1] == "heal"


def test_a_history_that_cannot_be_written_ends_the_fault_with_its_error():
    proxy, journal = FakeProxy(), Journal()

    def full_disk(kind, **fields):
        journal(kind, **fields)
        if kind == "probe":
            raise OSError("no space left")

    with (
        pytest.raises(OSError, match="no space left"),
        injector(proxy, full_disk, probe_interval_s=AT_ONCE_S).redis_refused(),
    ):
        assert journal.probe_seen.wait(5)
    assert proxy.calls[-1] == "heal"


def test_a_proof_that_does_the_damage_does_it_again_as_often_as_it_is_told():
    journal, strokes = Journal(), []
    struck_again = threading.Event()

    def strike():
        strokes.append("stroke")
        if strokes.count("stroke") == 3:
            struck_again.set()
        return Sighting("damaged", 0.0)

    breakage = Breakage(
        Fault("redis", "wrong type"),
        health=Observation(lambda: Sighting("whole", 0.0), "whole"),
        proof=Observation(strike, "damaged"),
        inject=lambda: strokes.append("begin"),
        heal=lambda: strokes.append("end"),
        watch_every_s=AT_ONCE_S,
    )
    with injector(FakeProxy(), journal).lasting(breakage):
        assert struck_again.wait(5)
    assert (strokes[0], strokes[-1]) == ("begin", "end")
    assert strokes.count("stroke") >= 3
    assert {fields["saw"] for kind, fields in journal.events if kind == "probe"} == {"damaged"}


@pytest.mark.parametrize("well_for", [0, 1])
def test_a_server_that_is_not_as_it_must_be_is_to_blame_and_not_the_infrastructure(well_for):
    """Before the fault, or after its heal."""
    sightings = itertools.chain(["serving"] * well_for, itertools.repeat("not serving"))
    health = Observation(lambda: Sighting(next(sightings), 0.0), "serving")
    ended, journal = Observation(lambda: Sighting("ended", 0.0), "ended"), Journal()
    fault = Fault("server", "worker killed")
    breakage = Breakage(fault, health, ended, nothing, nothing, needs_a_serving_server=True)
    with (
        pytest.raises(NotServed, match="the probe saw 'not serving'"),
        injector(FakeProxy(), journal).lasting(breakage),
    ):
        assert well_for
    (wait,) = [fields for kind, fields in journal.events if kind == "gave_up"]
    assert wait["of"] == "serving"
    assert wait["what"].startswith("Waited ")
    assert journal.phases() == ["inject", "active", "heal"] * well_for


def test_a_fault_that_fails_to_be_injected_is_healed():
    healed = []
    whole = Observation(lambda: Sighting("whole", 0.0), "whole")

    def fail():
        raise OSError("no such process")

    breakage = Breakage(Fault("server", "killed"), whole, whole, fail, lambda: healed.append(True))
    with (
        pytest.raises(OSError, match="no such process"),
        injector(FakeProxy(), Journal()).lasting(breakage),
    ):
        pytest.fail("the context must not be entered")
    assert healed == [True]


def test_a_store_can_be_broken_in_one_way_at_a_time():
    proxy = FakeProxy()
    faults = injector(proxy, Journal())
    with (
        faults.redis_refused(),
        pytest.raises(UsageError, match="redis is already broken"),
        faults.redis_slow(),
    ):
        pytest.fail("the context must not be entered")
    with faults.redis_slow():
        assert proxy.calls[-1] == ("latency", "downstream", {"latency": 300})


def test_two_stores_can_be_broken_at_once():
    redis, mongodb = FakeProxy(), FakeProxy()
    faults = injector(redis, Journal(), mongodb=mongodb)
    with faults.redis_refused(), faults.mongodb_refused():
        assert (redis.calls, mongodb.calls) == (["disable"], ["disable"])


def test_every_kind_of_fault_can_be_asked_for_by_name():
    faults = injector(FakeProxy(), Journal())
    for store in ("redis", "mongodb"):
        for kind in PROXY_FAULTS:
            method = getattr(faults, f"{store}_{kind.replace('-', '_')}")
            with method() as fault:
                assert fault.name == f"{store} {kind}"


def test_before_the_first_fault_every_store_answers_and_the_caller_is_asked_once():
    redis, mongodb, journal, asked = FakeProxy(), FakeProxy(), Journal(), []
    faults = injector(redis, journal, mongodb=mongodb)
    faults.before_the_first = lambda: asked.append(journal.phases())
    mongodb.disable()
    with pytest.raises(InfrastructureError, match="mongodb to answer before the first fault"):
        faults.redis_refused().__enter__()
    assert not asked
    mongodb.heal()
    with faults.redis_refused(), faults.mongodb_refused():
        pass
    assert asked == [[]]


def test_what_the_caller_raises_before_the_first_fault_keeps_it_away():
    redis, journal = FakeProxy(), Journal()
    faults = injector(redis, journal)

    def broken():
        raise NotServed("nothing works")

    faults.before_the_first = broken
    with pytest.raises(NotServed):
        faults.redis_refused().__enter__()
    assert (redis.calls, journal.phases()) == ([], [])
