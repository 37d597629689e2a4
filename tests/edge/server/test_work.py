"""No request costs the server more than a moment of CPU, whatever is in it.

The processor's time counts, not the clock: a request that keeps a worker busy stops everybody's polls.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import psutil
import pytest
import urllib3

from harness.stack import Services
from harness.stack.target_process import Target
from tests.edge.server.process import Chat, target
from tests.edge.server.wire import Reply, Wire
from tests.edge.server.worst_inputs import Worst, worst_inputs

MOST_CPU_S = 0.3
"""For one request on a slow and busy machine: three times what the costliest one takes on a usual one."""
TIMES = 2
REFUSED = range(400, 500)


@pytest.fixture(scope="module")
def server(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Whose limits nobody meets here."""
    high = dict.fromkeys(
        ("SIGN_IN_FAILURES_PER_ACCOUNT", "SIGN_IN_FAILURES_PER_ADDRESS", "REGISTRATIONS_PER_ADDRESS"),
        "1000000",
    )
    server = target(services, tmp_path_factory.mktemp("work"), TRUSTED_PROXIES="1", **high)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def processes(server: Target) -> list[psutil.Process]:
    """The server's, looked for once: that takes longer than most tests. One that ends fails what follows."""
    return [psutil.Process(server.pid), *server.workers()]


@contextlib.contextmanager
def spending(processes: list[psutil.Process]) -> Iterator[Callable[[], float]]:
    """Gives the seconds of CPU that the server's processes have spent since here."""
    before = sum(map(cpu_s, processes))
    yield lambda: sum(map(cpu_s, processes)) - before


def cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def replied(base_url: str, data: bytes) -> Reply:
    with Wire(base_url) as wire:
        wire.send(data)
        wire.end()
        return wire.reply()


class _Nobody:
    """Stands for the users, where only the names of the cases are wanted."""

    username, token = "nobody", "none"


class _NoChat:
    alice = bob = _Nobody


NAMES = [str(worst) for worst in worst_inputs(_NoChat)]  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def by_name(chat: Chat) -> dict[str, Worst]:
    return {str(worst): worst for worst in worst_inputs(chat)}


@pytest.mark.parametrize("name", NAMES)
def test_the_worst_input_costs_a_moment(
    server: Target, processes: list[psutil.Process], by_name: dict[str, Worst], name: str
) -> None:
    worst = by_name[name]
    with spending(processes) as spent_s:
        for _ in range(TIMES):
            assert replied(server.base_url, worst.data).status in (200, 201, *REFUSED, 501)
        assert spent_s() / TIMES < MOST_CPU_S


def test_every_field_of_every_endpoint_is_tried(server: Target) -> None:
    """As the server itself describes them."""
    with urllib3.PoolManager(timeout=10) as http:
        document = http.request("GET", f"{server.base_url}/openapi.json").json()
    tried = {(worst.call, worst.field) for worst in worst_inputs(_NoChat)}  # type: ignore[arg-type]
    schemas = document["components"]["schemas"]
    described = set()
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            named = f"{method.upper()} {path}"
            described |= {(named, parameter["name"]) for parameter in call.get("parameters", ())}
            for media in call.get("requestBody", {}).get("content", {}).values():
                schema = media["schema"]
                schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
                described |= {(named, name) for name in schema["properties"]}
    assert len(described) > 10
    assert described <= tried


def test_a_head_that_comes_byte_by_byte_is_not_read_again_and_again(
    server: Target, processes: list[psutil.Process]
) -> None:
    head = b"GET /health/live HTTP/1.1\r\nHost: chat\r\n" + (b"X: " + b"a" * 8000 + b"\r\n") * 80 + b"\r\n"
    with spending(processes) as spent_s, Wire(server.base_url) as wire:
        for start in range(0, len(head), 400):
            wire.send(head[start : start + 400])
        assert wire.reply().status == 200
        assert spent_s() < 2 * MOST_CPU_S
