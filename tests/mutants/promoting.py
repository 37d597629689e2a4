"""Mutants of a failover by Sentinel: which Redis is trusted after it."""

from __future__ import annotations

from reference_server.adapters import redis_queue
from reference_server.adapters.mongo_epochs import MongoEpochs
from tests.mutants.registry import mutant

_script = redis_queue.script


@mutant(row="CLUSTER-10", promise="no-loss")
def promoted_replica_believed():
    """A list is trusted wherever it was written: a replica that is promoted is taken to have every push."""
    identity = "run_id .. ' ' .. replid"
    redis_queue.script = lambda name: _script(name).replace(identity, "'any Redis'")
    MongoEpochs.epoch = lambda self, identity: "the only one"
