"""Putting a proxy in front of a store, and checking that it forwards."""

from __future__ import annotations

import uuid

from harness.errors import DeadlineMissed, InfrastructureError, UsageError
from harness.stack.probe import ANY_QUESTIONS, QUESTIONS, Address, look
from harness.stack.server_process import HOST, PORT_ATTEMPTS, PORT_IS_TAKEN
from harness.stack.toxics import Proxy, ProxyServer
from harness.stack.waiting import free_port, port_is_free, wait_until

PASSES_ON_WITHIN_S = 5.0


def proxy_on_free_port(control: ProxyServer, store: str, upstream: Address) -> Proxy:
    """Return a new proxy in front of `store`, on a free port; on another one if that is taken meanwhile."""
    name = f"pollproof-{uuid.uuid4().hex[:8]}-{store}"  # a foreign Toxiproxy may serve other runs as well
    for attempts_left in reversed(range(PORT_ATTEMPTS)):
        try:
            return control.create(name, listen=(HOST, free_port()), upstream=upstream)
        except InfrastructureError as error:
            if not attempts_left or PORT_IS_TAKEN[0] not in str(error):
                raise
    raise AssertionError("the last attempt returns or raises")


def proxy_on_port(control: ProxyServer, store: str, upstream: Address, port: int) -> Proxy:
    """Return a new proxy at the port that a server has hard-coded. Raise UsageError if that is in use."""
    if not port_is_free(port):
        raise UsageError(
            f"Port {port} of {HOST} is in use, but the profile puts the proxy in front of {store} there:"
            " the store itself must listen at another port."
        )
    return control.create(f"pollproof-{uuid.uuid4().hex[:8]}-{store}", listen=(HOST, port), upstream=upstream)


def _answers(store: str, proxy: Proxy) -> bool:
    """Return whether a store answers; of an unknown one, keep the question that it answered."""
    for question in [QUESTIONS[store]] if store in QUESTIONS else ANY_QUESTIONS:
        if look(proxy.listen, question).saw == "answered":
            proxy.question = question
            return True
    return False


def require_passing_on(store: str, proxy: Proxy, *, foreign: bool) -> None:
    """Wait until the store answers through its proxy.

    Raise DeadlineMissed after 5 s, or UsageError when it is a `foreign` Toxiproxy that cannot reach it.
    """
    try:
        wait_until(
            lambda: _answers(store, proxy),
            deadline_s=PASSES_ON_WITHIN_S,
            what=f"{store} to answer through Toxiproxy",
        )
    except DeadlineMissed as error:
        if not foreign:
            raise
        upstream = "{}:{}".format(*proxy.upstream)
        raise UsageError(
            f"The Toxiproxy at TOXIPROXY_URL does not forward from {HOST} to {upstream}: it must share this"
            " machine's network (`docker run --network host`)."
        ) from error
