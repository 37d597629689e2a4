"""What can befall a client: its own network, while everybody else's is fine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from harness.faults.fault import Fault
from harness.faults.injector import Injector


class ClientFaults(Injector):
    """A proxy stands between one client and the server, and breaks as those before the stores do."""

    @contextmanager
    def network_of_a_client(self) -> Iterator[str]:
        """A way of its own to the first instance, while the context lasts; gives its base URL."""
        with self._services.proxied("client", self._instances.first.address) as proxy:
            yield "http://{}:{}".format(*proxy.listen)

    def client_cut(self) -> AbstractContextManager[Fault]:
        """Whoever uses that way is cut off: connections are closed, new ones refused."""
        return self.through(Fault("client", "refused"))
