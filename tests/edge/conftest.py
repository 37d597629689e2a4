"""Real services for every test of this folder.

A missing service is fetched. Where that cannot be done, the tests fail in CI, where a skipped test would be a
gap nobody sees, and skip at a desk with the sentence that says how to get it.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import pytest

from harness.errors import NotHere, UsageError
from harness.interrupts import INTERRUPTS
from harness.stack import Found, Services, locate_chromium, require_disks
from harness.stack.chromium import LEFT_OUT, left_out
from harness.stack.programs import Toxiproxy
from tests.edge.lanes import Lane

IN_CI = bool(os.environ.get("CI"))


@pytest.fixture
def signals_of_its_own() -> Iterator[None]:
    """Let a command that a test runs in this process take its signals; the next test is not interrupted."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    state = vars(INTERRUPTS).copy()
    yield
    vars(INTERRUPTS).update(state)
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def services(services_of_the_run: Services | None) -> Iterator[Services]:
    """One stack for the session, with whatever the tests before have left in it.

    Tests that run rows of the plan, beside scenarios, share the scenarios' stack.
    """
    if services_of_the_run is not None:
        services_of_the_run.reset()
        yield services_of_the_run
        return
    with contextlib.ExitStack() as stack:
        try:
            running = stack.enter_context(Services())
        except UsageError as error:
            if IN_CI:
                raise
            pytest.skip(str(error))
        yield running


@pytest.fixture(scope="session")
def lane(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    """A harness for runs of many targets, on services of its own; skips where there are none to start."""
    with Lane(tmp_path_factory.mktemp("lane")) as lane:
        yield lane


@pytest.fixture(scope="session")
def chromium_found() -> Found:
    """The machine's Chromium; without it tests skip, and fail in CI unless WITHOUT_CHROMIUM allows that."""
    if left_out():
        pytest.skip(f"{LEFT_OUT} leaves out what needs a browser")
    try:
        return locate_chromium(install=False, say=print)
    except NotHere as error:
        if IN_CI:
            raise
        pytest.skip(error.sentence)


@pytest.fixture
def disks() -> None:
    """Skip where no disk can be broken: that depends on the kernel and the sandbox alone."""
    try:
        require_disks()
    except NotHere as error:
        pytest.skip(error.sentence)


@pytest.fixture
def ours(services: Services) -> Iterator[Services]:
    """The stack, of which every service is ours to break; clean before the test and after it."""
    if None in (services.redis, services.mongod, services.toxiproxy):
        pytest.skip("a service of the environment is not ours to break")
    services.reset()
    yield services
    services.reset()


@pytest.fixture
def redis_url(services: Services) -> str:
    """Redis itself, not through a proxy."""
    return services.redis_direct_url


@pytest.fixture
def mongodb_url(services: Services) -> str:
    """MongoDB itself, not through a proxy; use a database name of your own."""
    return services.mongodb_direct_url


@pytest.fixture
def toxiproxy(services: Services) -> Toxiproxy:
    """Our Toxiproxy; a foreign one skips the test."""
    if services.toxiproxy is None:
        pytest.skip("the Toxiproxy at TOXIPROXY_URL is not ours to break")
    return services.toxiproxy
