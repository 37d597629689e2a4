"""Clients of any server by its profile, whose requests are made over gevent."""

from __future__ import annotations

from functools import partial

from harness.adapters.over_http import HttpAdapter
from harness.client import Client
from harness.targets.profile import Profile
from loadtests.connections import Connections, Server


class Clients:
    """Makes the clients of one process; what the profile says is read once for all of them."""

    def __init__(self, profile: Profile, server: Server) -> None:
        self._profile, self._server = profile, server
        self._codec = None if profile.adapter else profile.codec()

    def new(self, username: str, password: str) -> tuple[Client, Connections]:
        """Return a client, and its connections, which a class of the profile's own does not use."""
        connections = Connections(self._server)
        if self._codec is None:
            new = self._profile.new_adapter()
        else:
            new = partial(HttpAdapter, codec=self._codec, transport=connections)
        return Client(self._server.url, username, password, new_adapter=new), connections
