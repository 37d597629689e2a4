"""Faults of one client's network, while the network of all others works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from harness.faults.fault import Fault
from harness.faults.injector import Injector


class ClientFaults(Injector):
    """Faults of a proxy between one client and the server, as for the proxies of the stores."""

    @contextmanager
    def network_of_a_client(self) -> Iterator[str]:
        """Yield the base URL of a separate way to the first instance, while the context lasts."""
        with self._services.proxied("client", self._instances.first.address) as proxy:
            yield "http://{}:{}".format(*proxy.listen)

    def client_cut(self) -> AbstractContextManager[Fault]:
        """Clients that use that way are cut off: connections are closed, new ones refused."""
        return self.through(Fault("client", "refused"))
