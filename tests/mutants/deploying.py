"""Mutants of a rolling deploy: what an instance makes of what another version has written."""

from __future__ import annotations

import json

from reference_server.message import from_entries
from tests.mutants.registry import mutant


@mutant(row="CLUSTER-30", promise="no-loss", replaces="adapters.redis_queue:decode_page")
def earlier_entries_left_out(entries, recipient):
    """What an instance of version 0.1 has queued is left out of a page."""
    kept = [entry for entry in json.loads(entries) if isinstance(entry, list)]
    return from_entries(json.dumps(kept).encode())
