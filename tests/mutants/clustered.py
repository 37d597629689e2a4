"""Mutants of the queue in a Redis Cluster."""

from __future__ import annotations

from reference_server.adapters import cluster_queue, redis_queue
from tests.mutants.registry import mutant

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
