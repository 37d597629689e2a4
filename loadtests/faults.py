"""A fault in the middle of a load test: at a store's proxy, which `harness exec` hands on to its command."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import gevent

from harness.errors import HarnessError, UsageError
from harness.faults.fault import PROXY_FAULTS, Fault
from harness.faults.injector import Injector
from harness.stack import Services, handed_on
from harness.stack.toxics import Proxy

LATENCY_MS = 300
"""Of a slow store."""


def proxies() -> dict[str, Proxy]:
    """Return the proxies that were handed on. Raise UsageError if none were."""
    value = os.environ.get(handed_on.VARIABLE)
    if not value:
        raise UsageError(
            "--shape fault breaks a store at its proxy, and there is none: run it by"
            " `python -m harness exec -- locust … --host {base_url}`."
        )
    return handed_on.read(value)


def fault_named(text: str) -> Fault:
    """Return a fault by its name, such as 'redis refused'. Raise UsageError if it is not possible."""
    store, _, kind = text.rpartition(" ")
    known = proxies()
    if kind not in PROXY_FAULTS or store not in known:
        legal = ", ".join(f"'{one} {way}'" for one in known for way in PROXY_FAULTS)
        raise UsageError(f"--fault {text!r} is unknown; possible are {legal}.")
    return Fault(store, kind, LATENCY_MS if kind == "slow" else 0)


class Break:
    """Breaks a store for some time, and records it; `problem` says why that could not be done."""

    def __init__(self, fault: Fault, record: Callable[..., Any]) -> None:
        self._fault = fault
        self._injector = Injector(cast(Services, SimpleNamespace(proxies=proxies())), record)
        self.problem = ""

    def run(self, wait_s: float, lasting_s: float) -> None:
        """Wait, then keep the store broken; a greenlet that is killed meanwhile heals it."""
        gevent.sleep(wait_s)
        try:
            with self._injector.through(self._fault):
                gevent.sleep(lasting_s)
        except HarnessError as error:
            self.problem = error.sentence
