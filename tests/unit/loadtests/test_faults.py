"""A fault in the middle of a load test: which are possible, and what happens if one cannot be injected."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from harness.errors import InfrastructureError, UsageError
from harness.faults.fault import Fault
from harness.stack import handed_on
from harness.stack.toxics import Proxy, ProxyServer
from loadtests import faults
from loadtests.faults import Break, fault_named


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> None:
    server = ProxyServer("http://127.0.0.1:1")
    stores = ("redis", "upstream postgres")
    known = {s: Proxy(server, s, listen=("127.0.0.1", 2), upstream=("127.0.0.1", 3)) for s in stores}
    monkeypatch.setenv(handed_on.VARIABLE, handed_on.written(server.url, known))


@pytest.mark.usefixtures("handed")
def test_a_fault_is_a_store_and_how_it_is_broken() -> None:
    assert fault_named("redis refused") == Fault("redis", "refused")
    assert fault_named("upstream postgres slow") == Fault("upstream postgres", "slow", faults.LATENCY_MS)


@pytest.mark.usefixtures("handed")
@pytest.mark.parametrize("text", ["", "redis", "redis exploded", "mongodb refused"])
def test_what_is_not_possible_is_one_sentence_that_says_what_is(text: str) -> None:
    with pytest.raises(
        UsageError, match=r"is unknown; possible are 'redis refused', .*'upstream postgres slow'"
    ):
        fault_named(text)


def test_without_proxies_nothing_can_be_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(handed_on.VARIABLE, raising=False)
    with pytest.raises(UsageError, match="python -m harness exec"):
        fault_named("redis refused")


@pytest.mark.usefixtures("handed")
def test_a_fault_that_does_not_take_effect_is_the_problem_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def has_no_effect(fault: Fault) -> Iterator[Fault]:
        raise InfrastructureError(f"The fault {fault.name!r} did not take effect.")
        yield fault

    one = Break(Fault("redis", "refused"), record=lambda kind, **fields: None)
    monkeypatch.setattr(one._injector, "through", has_no_effect)
    one.run(0, 0)
    assert one.problem == "The fault 'redis refused' did not take effect."
