"""Mutants of the queue in a Redis Cluster, and of a replica set's members."""

from __future__ import annotations

import time

from pymongo import errors

from reference_server.adapters import cluster_queue, redis_queue
from reference_server.adapters.mongo import connect
from reference_server.relay import Relay
from tests.mutants.registry import mutant

_step = Relay.step

STRANGER = "if here ~= ARGV[1] then return {'stranger', here} end"
WRITER = "local writer = ARGV[1] .. ' ' .. ARGV[2]"


@mutant(row="CLUSTER-21", promise="no-loss")
def promoted_node_believed():
    """The lists of a replica that has taken over are trusted, as its head records agree with them."""
    script = redis_queue.script

    def believing(name):
        text = script(name)
        if name == "probe":
            return text
        if STRANGER not in text or WRITER not in text:
            raise ValueError(f"{name}.lua does not ask who wrote a list")
        return text.replace(STRANGER, "").replace(WRITER, "local writer = 'any Redis'")

    redis_queue.script = believing


@mutant(row="CLUSTER-20", promise="available")
def slot_on_its_way_is_an_error():
    """A slot on its way to another node is not expected: requests for its mailboxes are answered 500."""

    class Other(Exception):
        pass

    cluster_queue.AskError = cluster_queue.TryAgainError = Other


@mutant(row="CLUSTER-01", promise="available", replaces="adapters.mongo:connect")
def first_primary_kept(url, timeout_ms):
    """The server goes on asking the member of the replica set that was primary when it started."""
    client = connect(url, timeout_ms)
    client._connect()
    deadline_s = time.monotonic() + 10
    while not client.primary and time.monotonic() < deadline_s:
        time.sleep(0.01)
    if not client.primary:
        return client
    host, port = client.primary
    return connect(f"mongodb://{host}:{port}/?directConnection=true", timeout_ms)


@mutant(row="CLUSTER-03", promise="available", replaces="relay:Relay.step")
def silent_member_is_an_outage(self):
    """MongoDB is not used while one of its members is silent, also if that is a secondary."""
    mongo = self._store._mongo
    members = mongo._client.topology_description.server_descriptions().values()
    for member in members:
        if isinstance(member.error, errors.NetworkTimeout):
            mongo.breaker.open(member.error)
            self._succeeded = False
            return False
    return _step(self)
